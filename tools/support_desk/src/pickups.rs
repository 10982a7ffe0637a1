//! `book_pickup`: a courier fetches a parcel from a customer. An order to the courier as a line in a file, and the
//! courier's word as another file.
//!
//! Invariant: the order is written before the courier's word is waited for, so a call that is cut off in between has
//! had its effect and cannot say so.

use crate::orders::{self, Order};
use crate::{DESK, lines, waiting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use toolgate_sdk::{Context, Failure, tool};

/// A courier who will come.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Booked {
    order_id: String,
    /// What the courier says.
    word: String,
}

/// A line of `pickups.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    order_id: String,
    customer: String,
    call_id: String,
}

/// Sends a courier to a customer who returns something, and waits for the courier's word. Each call sends one.
#[tool(needs(fs, clock))]
pub(crate) fn book_pickup(
    cx: &Context,
    /// As A-1001.
    #[schemars(regex(pattern = "^A-[0-9]{4}$"))]
    order_id: String,
) -> Result<Booked, Failure> {
    let desk = Path::new(DESK);
    book(desk, cx, orders::find(desk, &order_id)?)
}

fn book(desk: &Path, cx: &Context, order: Order) -> Result<Booked, Failure> {
    let Order { order_id, customer, .. } = order;
    let folder = desk.join("pickups");
    let line = Line { order_id: order_id.clone(), customer, call_id: cx.call_id() };
    let unsent = || Failure::capability_denied("the courier cannot be reached: nothing was booked");
    lines::append(&folder.join("pickups.jsonl"), &line, unsent)?;
    let still =
        |seconds: u32| cx.progress(f64::from(seconds), None, Some("the courier has not answered yet"));
    let word = waiting::for_text(&folder.join(format!("{order_id}.txt")), still);
    let word = word.map_err(|_| Failure::unavailable("the courier's word cannot be read").request_sent())?;
    Ok(Booked { order_id, word })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use toolgate_sdk::testing::FakeContext;

    #[test]
    fn each_call_sends_one_courier_and_gives_the_couriers_word() {
        let desk = tempfile::tempdir().expect("a folder");
        let order = orders::find(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/desk")), "A-1010");
        let order = order.expect("an order");
        fs::create_dir(desk.path().join("pickups")).expect("a folder");
        fs::write(desk.path().join("pickups/A-1010.txt"), "Monday at ten").expect("a word");
        for times in 1..=2 {
            let booked = book(desk.path(), &FakeContext::new(), order.clone()).expect("a courier");
            assert_eq!(booked.word, "Monday at ten");
            let lines = fs::read_to_string(desk.path().join("pickups/pickups.jsonl")).expect("the orders");
            assert_eq!(lines.lines().count(), times);
        }
    }
}
