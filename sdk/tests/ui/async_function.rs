//! A mistake: an `async fn` as a tool. Not here: what a tool may wait for. Invariant: it does not compile, and `async_function.stderr` points at it.

/// Waits.
#[toolgate_sdk::tool]
async fn wait(text: String) -> String {
    text
}

fn main() {}
