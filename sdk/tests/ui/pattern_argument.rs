//! A mistake: arguments without a name. Not here: arguments with a wrong type. Invariant: it does not compile, and `pattern_argument.stderr` points at it.

/// Adds.
#[toolgate_sdk::tool]
fn add((left, right): (i64, i64), _: bool) -> i64 {
    left + right
}

fn main() {}
