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
