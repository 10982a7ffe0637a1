//! A mistake: a tool that fails with an error of its own. Not here: the closed list of failures. Invariant: it does not compile, and `other_error.stderr` points at it.

/// Parses.
#[toolgate_sdk::tool]
fn parse(text: String) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn main() {}
