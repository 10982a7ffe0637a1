//! Time and entropy, the two things that make a run differ from the last one.
//!
//! Everything that reads a clock for a record or draws a random number does it here, so that tests and
//! later a simulator can hand in their own. (Deadlines of running guests use the runtime's timer.)

use crate::call::{CallId, RunId};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where time and entropy come from. Clones share the source.
#[derive(Clone)]
pub struct Seams {
    now: Arc<Clock>,
    fill: Arc<Entropy>,
}

/// The system's entropy, drawn for several uses at once: each byte is given once, and forgotten.
struct Drawn {
    bytes: [u8; 512],
    given: usize,
}

impl Default for Drawn {
    fn default() -> Self {
        let bytes = [0; 512];
        Self { given: bytes.len(), bytes }
    }
}

impl Drawn {
    fn fill(&mut self, wanted: &mut [u8]) {
        for byte in wanted {
            if self.given >= self.bytes.len() {
                system_entropy(&mut self.bytes);
                self.given = 0;
            }
            *byte = self.bytes.get_mut(self.given).map(std::mem::take).unwrap_or_default();
            self.given += 1;
        }
    }
}

/// Without entropy there is no safe id or envelope; the system says so only when it is broken.
fn system_entropy(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        tracing::error!("the system gives no entropy; ending");
        std::process::abort();
    }
}

type Clock = dyn Fn() -> Duration + Send + Sync;
type Entropy = dyn Fn(&mut [u8]) + Send + Sync;

impl Seams {
    /// The system's clock and the system's entropy.
    pub fn system() -> Self {
        let drawn = Mutex::new(Drawn::default());
        Self::new(
            || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            move |bytes| drawn.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes),
        )
    }

    /// Any other source.
    pub fn new(
        now: impl Fn() -> Duration + Send + Sync + 'static,
        fill: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), fill: Arc::new(fill) }
    }

    /// Time since the Unix epoch.
    pub fn now(&self) -> Duration {
        (self.now)()
    }

    /// Time since the Unix epoch in milliseconds.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX)
    }

    /// A new call id.
    pub fn call_id(&self) -> CallId {
        CallId::new(self.now_ms(), self.random())
    }

    /// A new run id.
    pub fn run_id(&self) -> RunId {
        RunId::new(self.now_ms(), self.random())
    }

    /// A nonce of 128 bits in hex, for one envelope.
    pub fn nonce(&self) -> String {
        crate::call::hex(&self.random::<16>())
    }

    /// A new approval's id.
    pub fn approval_id(&self) -> String {
        format!("apr_{}", crate::call::hex(&self.random::<8>()))
    }

    /// A key that nobody can guess.
    pub fn key(&self) -> [u8; 32] {
        self.random()
    }

    /// Eight random bytes as a number.
    pub fn random_u64(&self) -> u64 {
        u64::from_be_bytes(self.random())
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_drawn_byte_is_given_twice() {
        let seams = Seams::system();
        let keys: HashSet<[u8; 32]> = (0..1_000).map(|_| seams.key()).collect();
        assert_eq!(keys.len(), 1_000);
        let halves: HashSet<&[u8]> = keys.iter().flat_map(|key| key.chunks(16)).collect();
        assert_eq!(halves.len(), 2_000);
    }
}
