//! A mistake: results of a type without the derives that a schema needs. Not here: arguments. Invariant: it does not compile, and `result_without_derive.stderr` points at it.

struct Order {
    id: u32,
}

/// Gives an order.
#[toolgate_sdk::tool]
fn order(id: u32) -> Order {
    Order { id }
}

/// Gives an order that exists.
#[toolgate_sdk::tool]
fn known_order(id: u32) -> Result<Order, toolgate_sdk::Failure> {
    Ok(Order { id })
}

fn main() {}
