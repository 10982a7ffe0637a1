//! A mistake: a tool whose name is no name. Not here: a name given in the attribute. Invariant: it does not compile, and `bad_name.stderr` points at it.

/// Shouts.
#[toolgate_sdk::tool]
fn Shout(text: String) -> String {
    text
}

fn main() {}
