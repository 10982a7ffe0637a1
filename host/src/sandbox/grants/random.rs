//! `wasi:random`: the operating system's entropy when granted, else a generator seeded from the call id.
//!
//! We serve the three interfaces ourselves, since the stock ones draw bytes in a way that belongs to a
//! random-number crate and may change with it. Ungranted, byte `i` of the `secure` or `insecure` stream
//! is byte `i mod 32` of
//!
//! ```text
//! SHA-256("toolgate random 1" || call id, 16 bytes || stream, 1 byte || i div 32, u64 little-endian)
//! ```
//!
//! with stream 0 for `random`, 1 for `insecure`, 2 for `insecure-seed` (its first 16 bytes, each time).
//! A `u64` is the next 8 bytes, little-endian. Invariant: ungranted, the same call gets the same bytes on
//! every machine and in every version; so nothing that must be secret may be made from them.

use super::super::limits::RANDOM_BYTES_MAX;
use sha2::{Digest, Sha256};
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

const BLOCK_BYTES: usize = 32;

/// One call's sources of random bytes.
#[derive(Debug, Clone)]
pub struct RandomCtx {
    secure: Source,
    insecure: Source,
    seed: Source,
}

impl RandomCtx {
    /// With the grant: the operating system's entropy, for all three interfaces.
    pub fn entropy() -> Self {
        Self { secure: Source::Entropy, insecure: Source::Entropy, seed: Source::Entropy }
    }

    /// Without the grant: predictable bytes from the 16 bytes of the call id.
    pub fn seeded(call: &[u8; 16]) -> Self {
        let source = |number| Source::Seeded(Stream::new(*call, number));
        Self { secure: source(0), insecure: source(1), seed: source(2) }
    }
}

impl random::Host for RandomCtx {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.secure.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.secure.array().map(u64::from_le_bytes)
    }
}

impl insecure::Host for RandomCtx {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.insecure.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.insecure.array().map(u64::from_le_bytes)
    }
}

impl insecure_seed::Host for RandomCtx {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let seed = self.seed.clone().array().map(u128::from_le_bytes)?;
        Ok((seed as u64, (seed >> 64) as u64))
    }
}

#[derive(Debug, Clone)]
enum Source {
    Entropy,
    Seeded(Stream),
}

impl Source {
    /// # Errors
    /// Past [`RANDOM_BYTES_MAX`]: a trap, since the interface has no word for it.
    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_BYTES_MAX {
            wasmtime::bail!("{len} random bytes asked for at once; at most {RANDOM_BYTES_MAX}");
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> wasmtime::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> wasmtime::Result<()> {
        match self {
            Self::Seeded(stream) => stream.fill(bytes),
            Self::Entropy => getrandom::fill(bytes)
                .map_err(|error| wasmtime::format_err!("the operating system gives no entropy: {error}"))?,
        }
        Ok(())
    }
}

struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = &'a mut RandomCtx;
}

/// Links `wasi:random/random`, `insecure` and `insecure-seed`.
///
/// # Errors
/// When one of them is linked already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> &mut RandomCtx,
) -> wasmtime::Result<()> {
    random::add_to_linker::<T, HasRandom>(linker, get)?;
    insecure::add_to_linker::<T, HasRandom>(linker, get)?;
    insecure_seed::add_to_linker::<T, HasRandom>(linker, get)
}

/// SHA-256 in counter mode.
#[derive(Debug, Clone)]
struct Stream {
    call: [u8; 16],
    number: u8,
    /// The next block to make.
    counter: u64,
    block: [u8; BLOCK_BYTES],
    /// Bytes of the block that were given out.
    used: usize,
}

impl Stream {
    fn new(call: [u8; 16], number: u8) -> Self {
        Self { call, number, counter: 0, block: [0; BLOCK_BYTES], used: BLOCK_BYTES }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == BLOCK_BYTES {
                self.next_block();
            }
            *byte = self.block.get(self.used).copied().unwrap_or_default();
            self.used += 1;
        }
    }

    fn next_block(&mut self) {
        let mut hash = Sha256::new();
        hash.update(b"toolgate random 1");
        hash.update(self.call);
        hash.update([self.number]);
        hash.update(self.counter.to_le_bytes());
        self.block = hash.finalize().into();
        self.counter = self.counter.wrapping_add(1);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insecure::Host as _;
    use insecure_seed::Host as _;
    use random::Host as _;

    const CALL: [u8; 16] = [7; 16];

    #[test]
    fn the_same_call_gets_the_same_bytes_however_they_are_asked_for() {
        let (mut whole, mut parts) = (RandomCtx::seeded(&CALL), RandomCtx::seeded(&CALL));
        let mut joined = parts.get_random_bytes(1).unwrap();
        joined.extend(parts.get_random_u64().unwrap().to_le_bytes());
        joined.extend(parts.get_random_bytes(91).unwrap());
        assert_eq!(whole.get_random_bytes(100).unwrap(), joined);
    }

    #[test]
    fn the_algorithm_is_the_documented_one() {
        let mut hash = Sha256::new();
        hash.update(b"toolgate random 1");
        hash.update(CALL);
        hash.update([0]);
        hash.update(1u64.to_le_bytes());
        let second: [u8; 32] = hash.finalize().into();
        assert_eq!(RandomCtx::seeded(&CALL).get_random_bytes(64).unwrap()[32..], second);
    }

    #[test]
    fn calls_and_streams_differ() {
        let mut one = RandomCtx::seeded(&CALL);
        let mut other = RandomCtx::seeded(&[8; 16]);
        let first = one.get_random_bytes(16).unwrap();
        assert_ne!(first, other.get_random_bytes(16).unwrap());
        assert_ne!(first, one.get_insecure_random_bytes(16).unwrap());
    }

    #[test]
    fn the_seed_stays_the_same_within_a_call() {
        let mut random = RandomCtx::seeded(&CALL);
        assert_eq!(random.insecure_seed().unwrap(), random.insecure_seed().unwrap());
    }

    #[test]
    fn a_request_past_the_limit_is_refused_with_and_without_the_grant() {
        for mut random in [RandomCtx::seeded(&CALL), RandomCtx::entropy()] {
            assert_eq!(random.get_random_bytes(RANDOM_BYTES_MAX).unwrap().len() as u64, RANDOM_BYTES_MAX);
            assert!(random.get_random_bytes(RANDOM_BYTES_MAX + 1).is_err());
            assert!(random.get_insecure_random_bytes(u64::MAX).is_err());
            assert!(random.get_random_bytes(0).unwrap().is_empty());
        }
    }

    #[test]
    fn granted_entropy_does_not_repeat() {
        let mut random = RandomCtx::entropy();
        assert_ne!(random.get_random_bytes(32).unwrap(), random.get_random_bytes(32).unwrap());
        assert_ne!(random.get_insecure_random_u64().unwrap(), random.get_insecure_random_u64().unwrap());
    }
}
