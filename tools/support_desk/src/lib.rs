//! The tools of the demo: a support desk whose tickets, orders and outbox are files, and three tools that
//! misbehave, to show what becomes of them. Not a model for a real desk: a real one calls its services.
//!
//! Invariant: what the desk was given is never changed; what is done lies in folders of its own, one for each kind of
//! effect, so that a policy can grant each tool the folders that it needs and no other.

mod bad;
mod colleague;
mod lines;
mod money;
mod orders;
mod parcels;
mod pickups;
mod refund;
mod tickets;
mod waiting;

toolgate_sdk::component!(
    orders::find_order,
    parcels::track_parcel,
    refund::refund_order,
    tickets::reply_to_ticket,
    pickups::book_pickup,
    colleague::wait_for_colleague,
    bad::loop_forever,
    bad::sleep_forever,
    bad::broken_answer,
);

/// Where the tools find the desk: their grants are folders of it.
const DESK: &str = "/desk";
