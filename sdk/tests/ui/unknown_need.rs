//! A mistake: needs that there are not, and one named twice. Not here: whether a policy grants one. Invariant: it does not compile, and `unknown_need.stderr` points at it.

/// Reads.
#[toolgate_sdk::tool(needs(file, clok, fs, fs))]
fn read(path: String) -> String {
    path
}

fn main() {}
