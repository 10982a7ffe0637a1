//! The hashes of the ledger: of contents, of keys, of events along their run, of batches across runs.
//!
//! Pure. The inputs and their order are the format (`host/docs/ledger-format.md`, "The chain").
//! Invariant: every input is of fixed size or preceded by its length, so no two inputs hash alike by shifting.

pub(super) use crate::call::hex;
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(super) type Hash = [u8; 32];

/// The hash before the first.
pub(super) const ZERO: Hash = [0; 32];

/// What an event's hash covers.
pub(super) struct Link<'a> {
    pub(super) seq: u64,
    pub(super) run: &'a [u8; 16],
    pub(super) prev: u64,
    pub(super) prev_hash: &'a Hash,
    pub(super) kind: u8,
    pub(super) call: Option<&'a [u8; 16]>,
    pub(super) at_ms: u64,
    pub(super) facts: &'a str,
    pub(super) digest: &'a Hash,
}

impl Link<'_> {
    /// The event's hash.
    pub(super) fn hash(&self) -> Hash {
        let mut fixed = Vec::with_capacity(160 + self.facts.len());
        fixed.extend_from_slice(b"toolgate/event/1");
        fixed.extend_from_slice(&self.seq.to_be_bytes());
        fixed.extend_from_slice(self.run);
        fixed.extend_from_slice(&self.prev.to_be_bytes());
        fixed.extend_from_slice(self.prev_hash);
        fixed.push(self.kind);
        fixed.extend_from_slice(self.call.unwrap_or(&[0; 16]));
        fixed.extend_from_slice(&self.at_ms.to_be_bytes());
        fixed.extend_from_slice(&length(self.facts));
        fixed.extend_from_slice(self.facts.as_bytes());
        fixed.extend_from_slice(self.digest);
        digest(&fixed)
    }
}

/// The head of a batch in the making.
pub(super) struct Head(Sha256);

impl Head {
    /// Begins a batch after the head before it.
    pub(super) fn after(before: &Hash) -> Self {
        Self(Sha256::new().chain_update(b"toolgate/head/1").chain_update(before))
    }

    /// Takes the next event of the batch.
    pub(super) fn extend(&mut self, event: &Hash) {
        self.0.update(event);
    }

    /// The head after the events taken so far.
    pub(super) fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The digest of some bytes.
pub(super) fn digest(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The scope of an idempotency key: the same three texts, the same scope.
pub(super) fn scope(principal: &str, tool: &str, key: &str) -> Hash {
    let mut hasher = Sha256::new().chain_update(b"toolgate/key/1");
    for text in [principal, tool, key] {
        hasher.update(length(text));
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

/// A text's length in 4 bytes; texts beyond 4 GiB do not fit SQLite either.
fn length(text: &str) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_cannot_be_shifted_between_its_parts() {
        assert_ne!(scope("a", "bc", "d"), scope("ab", "c", "d"));
        assert_ne!(scope("a", "b", "cd"), scope("a", "bc", "d"));
    }

    #[test]
    fn a_head_depends_on_the_order_of_its_events() {
        let head = |events: [Hash; 2]| {
            let mut head = Head::after(&ZERO);
            events.iter().for_each(|event| head.extend(event));
            head.finish()
        };
        assert_ne!(head([[1; 32], [2; 32]]), head([[2; 32], [1; 32]]));
    }
}
