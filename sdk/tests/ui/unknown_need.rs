/// Reads.
#[toolgate_sdk::tool(needs(file, clok, fs, fs))]
fn read(path: String) -> String {
    path
}

fn main() {}
