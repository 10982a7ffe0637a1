//! A mistake: an argument of a type without the derives that a schema needs. Not here: the types that have them. Invariant: it does not compile, and `argument_without_derive.stderr` points at it.

struct Order {
    id: u32,
}

/// Gives the id.
#[toolgate_sdk::tool]
fn order_id(order: Order) -> u32 {
    order.id
}

fn main() {}
