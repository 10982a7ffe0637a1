//! A mistake: an option that the attribute does not have. Not here: needs. Invariant: it does not compile, and `unknown_option.stderr` points at it.

/// Reads.
#[toolgate_sdk::tool(name = "read")]
fn read(path: String) -> String {
    path
}

fn main() {}
