/// Adds.
#[toolgate_sdk::tool]
fn add((left, right): (i64, i64), _: bool) -> i64 {
    left + right
}

fn main() {}
