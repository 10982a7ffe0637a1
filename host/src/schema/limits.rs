//! The limits on a schema and on one check. Each has a test at the limit and one past it.

/// Bytes of a schema as compact JSON. The largest schemas of real tools are a few tens of KiB, and every one
/// is sent to the model.
pub(super) const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// Nesting of a schema document. Building recurses: 900 levels overflow a 2 MiB stack.
pub(super) const SCHEMA_DEPTH_MAX: usize = 64;

/// Subschemas visited when every `$ref` is expanded: 25 doubling references would be 33 million.
pub(super) const EXPANDED_MAX: u64 = 10_000;

/// Subschemas within each other when every `$ref` is expanded, and in one check. Checking recurses.
pub(super) const EXPANDED_DEPTH_MAX: usize = 256;

/// Bytes of one regular expression. Translating one from ECMAScript takes time in the square of its length.
pub(super) const PATTERN_BYTES_MAX: usize = 1024;

/// Bytes of all regular expressions of a schema together.
pub(super) const PATTERN_BYTES_TOTAL_MAX: usize = 16 * 1024;

/// Memory of one compiled regular expression, in bytes, as the `regex` crate counts it.
pub(super) const PATTERN_COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// Memory of the lazy automaton of one regular expression, in bytes; past it the slower, still linear engine
/// goes on.
pub(super) const PATTERN_CACHE_BYTES_MAX: usize = 1024 * 1024;

/// Pairs of subschema and value that one check may visit: some tenths of a second.
pub(super) const VISITS_MAX: u64 = 4_000_000;

/// Pairs up to which all that is wrong is collected; past it only that something is.
pub(super) const VISITS_EXPLAINED_MAX: u64 = 200_000;

/// Violations kept of one check: as many as an agent mends in one go.
pub(super) const VIOLATIONS_MAX: usize = 8;
