//! A mistake: a generic function as a tool. Not here: types that a tool may name. Invariant: it does not compile, and `generic.stderr` points at it.

/// Gives it back.
#[toolgate_sdk::tool]
fn echo<T>(value: T) -> T {
    value
}

fn main() {}
