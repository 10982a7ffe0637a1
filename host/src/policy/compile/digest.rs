//! Digests and keys: 32 bytes in 64 lowercase hex digits, and the policy's own digest.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// 64 lowercase hex digits as bytes; `None` for anything else.
pub(super) fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let is_plain = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate().take_while(|_| is_plain) {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    is_plain.then_some(digest)
}

/// See [`crate::policy::Policy::digest`].
pub(super) fn policy_digest(text: &str, read: &BTreeMap<String, Option<String>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(text.as_bytes());
    for (name, value) in read {
        part(name.as_bytes());
        part(value.as_deref().unwrap_or("").as_bytes());
    }
    hash.finalize().into()
}
