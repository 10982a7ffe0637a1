//! A mistake: a method as a tool. Not here: free functions. Invariant: it does not compile, and `method.stderr` points at it.

struct Desk;

impl Desk {
    /// Opens it.
    #[toolgate_sdk::tool]
    fn open(&self, key: String) -> String {
        key
    }
}

fn main() {}
