struct Desk;

impl Desk {
    /// Opens it.
    #[toolgate_sdk::tool]
    fn open(&self, key: String) -> String {
        key
    }
}

fn main() {}
