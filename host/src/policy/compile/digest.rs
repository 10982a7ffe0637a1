//! Digests and keys: 32 bytes in 64 lowercase hex digits, and the policy's own digest.

use crate::call::unhex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// 64 lowercase hex digits as bytes; `None` for anything else.
pub(super) fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let is_lowercase = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    unhex(text).filter(|_| is_lowercase)?.try_into().ok()
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
