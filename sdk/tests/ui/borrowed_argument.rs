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
