//! A mistake: an unsafe, foreign function as a tool. Not here: what the function does. Invariant: it does not compile, and `unsafe_function.stderr` points at it.

/// Does it.
#[toolgate_sdk::tool]
unsafe extern "C" fn act(text: String) -> String {
    text
}

fn main() {}
