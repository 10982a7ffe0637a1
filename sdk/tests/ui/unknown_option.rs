/// Reads.
#[toolgate_sdk::tool(name = "read")]
fn read(path: String) -> String {
    path
}

fn main() {}
