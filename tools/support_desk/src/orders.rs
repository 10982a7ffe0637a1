//! The orders, and finding one. Not changing one: a refund is a line of its own.
//!
//! Invariant: `orders.json` is only read.

use crate::DESK;
use crate::money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use toolgate_sdk::{Failure, tool};

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    /// Who ordered.
    pub(crate) customer: String,
    pub(crate) email: String,
    /// The day of the order, as 2026-05-31.
    pub(crate) ordered: String,
    /// Where it is.
    pub(crate) status: Status,
    /// The day of delivery.
    pub(crate) delivered: Option<String>,
    pub(crate) items: Vec<Item>,
    /// What was paid, in euros.
    #[schemars(with = "f64")]
    pub(crate) total: Cents,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Paid, and not sent yet.
    Paid,
    /// On its way.
    Shipped,
    /// With the customer.
    Delivered,
    /// Called off before it was paid.
    Cancelled,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Item {
    pub(crate) article: String,
    pub(crate) quantity: u32,
    /// Of one, in euros.
    #[schemars(with = "f64")]
    pub(crate) price: Cents,
}

/// Finds an order by its id, with its items, its status and what was paid.
#[tool(needs(fs))]
pub(crate) fn find_order(
    /// As A-1001.
    #[schemars(regex(pattern = "^A-[0-9]{4}$"))]
    order_id: String,
) -> Result<Order, Failure> {
    find(Path::new(DESK), &order_id)
}

/// The order of that id in a desk.
pub(crate) fn find(desk: &Path, order_id: &str) -> Result<Order, Failure> {
    let text = fs::read_to_string(desk.join("orders/orders.json")).map_err(|_| {
        Failure::unavailable("the list of orders cannot be read now: tell the person in charge")
    })?;
    let orders: Vec<Order> = serde_json::from_str(&text)
        .map_err(|error| Failure::internal(format!("the list of orders is damaged: {error}")))?;
    let near =
        orders.iter().map(|order| (strsim::osa_distance(&order.order_id, order_id), &order.order_id)).min();
    let hint = match near {
        Some((1, near)) => format!("did you mean `{near}`? Ask the customer when you are not sure"),
        _ => "check the ticket for its number, or ask the customer".to_owned(),
    };
    orders
        .into_iter()
        .find(|order| order.order_id == order_id)
        .ok_or_else(|| Failure::not_found(format!("there is no order `{order_id}`; {hint}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_sdk::FailureKind;

    /// The demo's own files.
    fn desk() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/desk"))
    }

    #[test]
    fn every_order_of_the_demo_adds_up() {
        for number in 1001..=1012 {
            let order = find(desk(), &format!("A-{number}")).expect("an order");
            let sum: u64 = order.items.iter().map(|item| item.price.0 * u64::from(item.quantity)).sum();
            assert_eq!(order.total, Cents(sum), "{}", order.order_id);
        }
    }

    #[test]
    fn an_order_that_is_not_there_is_answered_with_the_nearest() {
        let failure = find(desk(), "A-1013").expect_err("twelve orders");
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.message.contains("did you mean `A-10"), "{failure}");
    }

    #[test]
    fn a_desk_without_orders_is_unavailable() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(find(folder.path(), "A-1001").expect_err("no file").kind, FailureKind::Unavailable);
    }
}
