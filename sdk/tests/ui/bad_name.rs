/// Shouts.
#[toolgate_sdk::tool]
fn Shout(text: String) -> String {
    text
}

fn main() {}
