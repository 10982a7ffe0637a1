//! A mistake: arguments and results that a tool cannot own. Not here: the call context, which is borrowed. Invariant: it does not compile, and `borrowed_argument.stderr` points at it.

/// Gives it back.
#[toolgate_sdk::tool]
fn echo(
    /// A text.
    text: &str,
    items: impl Iterator<Item = u8>,
) -> impl ToString {
    format!("{text} {}", items.count())
}

fn main() {}
