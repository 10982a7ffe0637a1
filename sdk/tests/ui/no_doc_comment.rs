#[toolgate_sdk::tool]
fn echo(text: String) -> String {
    text
}

fn main() {}
