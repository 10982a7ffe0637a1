/// A desk.
#[toolgate_sdk::tool]
struct Desk {
    key: String,
}

fn main() {}
