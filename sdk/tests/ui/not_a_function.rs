//! A mistake: the attribute on something that is no function. Not here: functions of the wrong shape. Invariant: it does not compile, and `not_a_function.stderr` points at it.

/// A desk.
#[toolgate_sdk::tool]
struct Desk {
    key: String,
}

fn main() {}
