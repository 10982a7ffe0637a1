/// Parses.
#[toolgate_sdk::tool]
fn parse(text: String) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn main() {}
