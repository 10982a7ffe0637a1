struct Order {
    id: u32,
}

/// Gives the id.
#[toolgate_sdk::tool]
fn order_id(order: Order) -> u32 {
    order.id
}

fn main() {}
