//! The limits of one call that are not the policy's to choose, and the meter that enforces memory.
//!
//! Memory is accounted in aggregate: every linear memory and every table of every core instance of the
//! call draws on one allowance. (The runtime's own `StoreLimits` counts each memory by itself, so a
//! component of 40 instances could take 40 times the cap.) Invariant: `used <= max` after every growth.

use wasmtime::ResourceLimiter;

/// Core instances in one call. Python guests have 38.
pub(super) const INSTANCES_PER_CALL_MAX: u32 = 128;
/// Linear memories in one call.
pub(super) const MEMORIES_PER_CALL_MAX: u32 = 16;
/// Tables in one call.
pub(super) const TABLES_PER_CALL_MAX: u32 = 64;
/// Elements of all tables of one call together.
pub(super) const TABLE_ELEMENTS_MAX: usize = 10_000;
/// Component-level handles in one call; the runtime's default is 100,000.
pub(super) const HANDLES_MAX: usize = 1_000;
/// Host resources (files, streams, pollables) in one call.
pub(super) const RESOURCES_MAX: usize = 256;
/// Bytes that one host call may copy out of the guest, unless its output may be larger; the runtime's default is
/// 128 MiB.
pub(super) const HOSTCALL_BYTES_MAX: usize = 4 << 20;
/// What is copied beside an output: the result's own shape, or a failure's message.
pub(super) const FAILURE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one request for random data.
pub(super) const RANDOM_BYTES_MAX: u64 = 64 * 1024;
/// The stack of a call: the guest's half-megabyte and the host functions' above it.
pub(super) const ASYNC_STACK_BYTES: usize = 2 << 20;
/// Compiled code holds its fuel in a register and writes it back after so much: what an execution that is stopped in
/// its midst has used is known that well.
pub(super) const FUEL_SLICE: u64 = 1_000_000;

/// Fuel that one call into the host costs, so that a loop of host calls runs out like any other.
pub const HOST_CALL_FUEL: u64 = 1_000;
/// Log lines kept per call.
pub(super) const LOG_LINES_MAX: usize = 100;
/// Bytes kept of one log line or progress message.
pub(super) const LOG_LINE_BYTES_MAX: usize = 4 * 1024;

/// What a table element costs in memory.
const TABLE_ELEMENT_BYTES: usize = 8;

/// Counts the memory of one call.
#[derive(Debug)]
pub(super) struct Meter {
    used_bytes: usize,
    max_bytes: usize,
    peak_bytes: usize,
    table_elements: usize,
    denied: bool,
}

impl Meter {
    pub(super) fn new(max_bytes: u64) -> Self {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        Self { used_bytes: 0, max_bytes, peak_bytes: 0, table_elements: 0, denied: false }
    }

    /// The most memory that was in use, in bytes.
    pub(super) fn peak_bytes(&self) -> u64 {
        self.peak_bytes as u64
    }

    /// True once a growth was refused: a trap after that is `out_of_memory`.
    pub(super) fn denied(&self) -> bool {
        self.denied
    }

    fn grow(&mut self, bytes: usize) -> bool {
        match self.used_bytes.checked_add(bytes) {
            Some(used) if used <= self.max_bytes => {
                self.used_bytes = used;
                self.peak_bytes = self.peak_bytes.max(used);
                true
            }
            _ => {
                self.denied = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Past the memory's own declared maximum the growth fails anyway; do not count it.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // As above; but where the guest declares none, the pool's own cap stands as the maximum, and that is ours.
        if maximum.is_some_and(|maximum| desired > maximum && maximum < TABLE_ELEMENTS_MAX) {
            return Ok(false);
        }
        let added = desired.saturating_sub(current);
        let elements = self.table_elements.saturating_add(added);
        if elements > TABLE_ELEMENTS_MAX {
            self.denied = true;
            return Ok(false);
        }
        let grown = self.grow(added.saturating_mul(TABLE_ELEMENT_BYTES));
        if grown {
            self.table_elements = elements;
        }
        Ok(grown)
    }

    fn instances(&self) -> usize {
        INSTANCES_PER_CALL_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_PER_CALL_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_PER_CALL_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_of_all_instances_share_one_allowance() {
        let mut meter = Meter::new(100);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(!meter.memory_growing(40, 41, None).unwrap());
        assert!(meter.denied());
        assert_eq!(meter.peak_bytes(), 100);
    }

    #[test]
    fn limits_of_zero_one_and_the_maximum_do_not_overflow() {
        for (max, fits) in [(0, 0), (1, 1), (u64::MAX, usize::MAX)] {
            let mut meter = Meter::new(max);
            assert!(meter.memory_growing(0, fits, None).unwrap());
            assert!(!meter.memory_growing(0, usize::MAX, Some(1)).unwrap());
            assert!(!meter.memory_growing(0, 1, None).unwrap());
        }
    }

    #[test]
    fn table_elements_are_capped_over_all_tables() {
        let mut meter = Meter::new(u64::MAX);
        assert!(meter.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        assert!(!meter.table_growing(0, 1, None).unwrap());
    }

    #[test]
    fn a_table_past_the_cap_is_a_denial_and_one_past_its_own_maximum_is_not() {
        let mut meter = Meter::new(u64::MAX);
        assert!(!meter.table_growing(0, 5, Some(4)).unwrap());
        assert!(!meter.denied());
        assert!(!meter.table_growing(0, TABLE_ELEMENTS_MAX + 1, Some(TABLE_ELEMENTS_MAX)).unwrap());
        assert!(meter.denied());
    }
}
