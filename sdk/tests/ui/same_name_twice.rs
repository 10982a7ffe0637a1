//! A mistake: two tools of one name in a component. Not here: names in different components. Invariant: it does not compile, and `same_name_twice.stderr` points at it.

mod one {
    /// Gives one.
    #[toolgate_sdk::tool]
    pub fn number() -> u8 {
        1
    }
}

mod two {
    /// Gives two.
    #[toolgate_sdk::tool]
    pub fn number() -> u8 {
        2
    }
}

toolgate_sdk::component!(one::number, two::number);

fn main() {}
