/// Gives it back.
#[toolgate_sdk::tool]
fn echo<T>(value: T) -> T {
    value
}

fn main() {}
