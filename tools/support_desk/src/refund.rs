//! `refund_order`: money back, as a line in the books. Not a payment: the demo's bank reads that file.
//!
//! Invariant: an order is never refunded beyond its total, and one idempotency key gives one refund.

use crate::money::Cents;
use crate::orders::{self, Order, Status};
use crate::{DESK, lines};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toolgate_sdk::{Context, Failure, tool};

/// What the bank takes for a refund, in micro-USD: 2 cents.
const FEE_MICRO_USD: u64 = 20_000;

/// A refund.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Refunded {
    /// As R-0001.
    refund_id: String,
    order_id: String,
    /// In euros.
    #[schemars(with = "f64")]
    amount: Cents,
    /// What may still be refunded of this order, in euros.
    #[schemars(with = "f64")]
    left: Cents,
    /// True when this refund was made before, by the same idempotency key, and nothing was done now.
    repeated: bool,
}

/// A line of `books/refunds.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    refund_id: String,
    order_id: String,
    amount: Cents,
    reason: String,
    idempotency_key: Option<String>,
    call_id: String,
}

/// Refunds an order, in part or whole. Find the order first, and read the refund policy of the knowledge
/// base. Money that was refunded cannot be taken back.
#[tool(needs(fs))]
pub(crate) fn refund_order(
    cx: &Context,
    /// As A-1001.
    #[schemars(regex(pattern = "^A-[0-9]{4}$"))]
    order_id: String,
    /// In euros, with at most two decimals.
    #[schemars(range(min = 0.01, max = 10_000))]
    amount: f64,
    /// Why, for the books.
    #[schemars(length(min = 5, max = 300))]
    reason: String,
) -> Result<Refunded, Failure> {
    refund(Path::new(DESK), cx, &order_id, amount, reason)
}

fn refund(
    desk: &Path,
    cx: &Context,
    order_id: &str,
    euros: f64,
    reason: String,
) -> Result<Refunded, Failure> {
    let amount = Cents::from_euros(euros).filter(|amount| amount.0 > 0).ok_or_else(|| {
        Failure::invalid_input(format!("`amount` is {euros}: give euros above 0, with at most two decimals"))
    })?;
    let order = orders::find(desk, order_id)?;
    let book = Book::open(desk)?;
    let key = cx.idempotency_key();
    if let Some(made) = book.lines.iter().find(|line| key.is_some() && line.idempotency_key == key) {
        let left = book.left(&order);
        let (refund_id, order_id) = (made.refund_id.clone(), made.order_id.clone());
        return Ok(Refunded { refund_id, order_id, amount: made.amount, left, repeated: true });
    }
    let left = book.allow(&order, amount)?;
    let refund_id = format!("R-{:04}", book.lines.len().saturating_add(1));
    let order_id = order.order_id;
    let line = Line {
        refund_id: refund_id.clone(),
        order_id: order_id.clone(),
        amount,
        reason,
        idempotency_key: key,
        call_id: cx.call_id(),
    };
    // First: a call that may not pay the fee ends here, and has refunded nothing.
    cx.charge(FEE_MICRO_USD);
    lines::append(&book.path, &line, closed)?;
    Ok(Refunded { refund_id, order_id, amount, left, repeated: false })
}

/// The refunds that were made.
struct Book {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Book {
    fn open(desk: &Path) -> Result<Self, Failure> {
        let path = desk.join("books/refunds.jsonl");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.map_err(|_| closed())?,
        };
        let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        let lines =
            lines.map_err(|error| Failure::internal(format!("the book of refunds is damaged: {error}")))?;
        Ok(Self { path, lines })
    }

    /// What may still be refunded.
    fn left(&self, order: &Order) -> Cents {
        let refunds = self.lines.iter().filter(|line| line.order_id == order.order_id);
        Cents(refunds.fold(order.total.0, |left, line| left.saturating_sub(line.amount.0)))
    }

    /// What will be left after this refund, when it may be made.
    fn allow(&self, order: &Order, amount: Cents) -> Result<Cents, Failure> {
        let id = &order.order_id;
        if order.status == Status::Cancelled {
            return Err(Failure::conflict(format!(
                "order `{id}` was cancelled before it was paid: there is nothing to refund"
            )));
        }
        let left = self.left(order);
        left.0.checked_sub(amount.0).map(Cents).ok_or_else(|| {
            Failure::conflict(format!(
                "{} is more than what is left to refund of order `{id}`: {} of {}",
                amount.text(),
                left.text(),
                order.total.text()
            ))
        })
    }
}

fn closed() -> Failure {
    Failure::capability_denied(
        "the desk's books cannot be used: nothing was refunded; tell the person in charge",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::FakeContext;

    fn desk() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let orders = Path::new(env!("CARGO_MANIFEST_DIR")).join("desk/orders/orders.json");
        fs::create_dir(folder.path().join("orders")).expect("a folder");
        fs::copy(orders, folder.path().join("orders/orders.json")).expect("the orders");
        folder
    }

    fn pay(desk: &TempDir, cx: &FakeContext, order_id: &str, amount: f64) -> Result<Refunded, Failure> {
        refund(desk.path(), cx, order_id, amount, "arrived broken".to_owned())
    }

    fn lines(desk: &TempDir) -> usize {
        fs::read_to_string(desk.path().join("books/refunds.jsonl")).map_or(0, |text| text.lines().count())
    }

    #[test]
    fn a_refund_is_a_line_and_costs_its_fee() {
        let (desk, cx) = (desk(), FakeContext::new().with_idempotency_key("k1"));
        let refunded = pay(&desk, &cx, "A-1001", 10.5).expect("a refund");
        assert_eq!((refunded.refund_id.as_str(), refunded.amount), ("R-0001", Cents(1050)));
        assert_eq!((lines(&desk), cx.charged_micro_usd()), (1, FEE_MICRO_USD));
    }

    #[test]
    fn the_same_key_gives_the_same_refund_and_charges_nothing() {
        let desk = desk();
        let first =
            pay(&desk, &FakeContext::new().with_idempotency_key("k1"), "A-1001", 10.5).expect("a refund");
        let cx = FakeContext::new().with_idempotency_key("k1");
        let again = pay(&desk, &cx, "A-1001", 10.5).expect("the same");
        assert_eq!(again, Refunded { repeated: true, ..first });
        assert_eq!((lines(&desk), cx.charged_micro_usd()), (1, 0));
        pay(&desk, &FakeContext::new(), "A-1001", 1.0).expect("no key, no repeat");
        pay(&desk, &FakeContext::new(), "A-1001", 1.0).expect("no key, no repeat");
        assert_eq!(lines(&desk), 3);
    }

    #[test]
    fn no_more_is_refunded_than_was_paid() {
        let desk = desk();
        let total = orders::find(desk.path(), "A-1001").expect("an order").total;
        let euros = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100).parse::<f64>().expect("euros");
        pay(&desk, &FakeContext::new(), "A-1001", euros(total.0 - 1)).expect("nearly all");
        let failure = pay(&desk, &FakeContext::new(), "A-1001", 0.02).expect_err("one cent is left");
        assert_eq!(failure.kind, FailureKind::Conflict);
        assert!(failure.message.contains("0.01 EUR of"), "{failure}");
        assert_eq!(pay(&desk, &FakeContext::new(), "A-1001", 0.01).expect("the last cent").left, Cents(0));
    }

    #[test]
    fn a_cancelled_order_and_an_odd_amount_are_refused() {
        let desk = desk();
        assert_eq!(
            pay(&desk, &FakeContext::new(), "A-1009", 1.0).expect_err("cancelled").kind,
            FailureKind::Conflict
        );
        for amount in [0.0, -1.0, 0.001] {
            let failure = pay(&desk, &FakeContext::new(), "A-1001", amount).expect_err("no amount");
            assert_eq!(failure.kind, FailureKind::InvalidInput, "{amount}");
        }
        assert_eq!(lines(&desk), 0);
    }

    #[test]
    fn a_damaged_book_stops_refunds() {
        let desk = desk();
        fs::create_dir(desk.path().join("books")).expect("a folder");
        fs::write(desk.path().join("books/refunds.jsonl"), "{\"refund_id\": \"R-").expect("a torn line");
        assert_eq!(
            pay(&desk, &FakeContext::new(), "A-1001", 1.0).expect_err("damaged").kind,
            FailureKind::Internal
        );
    }
}
