/// Does it.
#[toolgate_sdk::tool]
unsafe extern "C" fn act(text: String) -> String {
    text
}

fn main() {}
