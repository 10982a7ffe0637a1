/// Waits.
#[toolgate_sdk::tool]
async fn wait(text: String) -> String {
    text
}

fn main() {}
