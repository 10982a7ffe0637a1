//! The tools of the demo: a support desk whose tickets, orders and outbox are files, and three tools that
//! misbehave, to show what becomes of them. Not a model for a real desk: a real one calls its services.
//!
//! Invariant: what the desk was given is never changed; what is done lies in its outbox.

mod bad;
mod money;
mod orders;
mod refund;
mod tickets;

toolgate_sdk::component!(
    orders::find_order,
    refund::refund_order,
    tickets::reply_to_ticket,
    bad::loop_forever,
    bad::sleep_forever,
    bad::broken_answer,
);

/// Where the tools find the desk: the guest path of their grant.
const DESK: &str = "/desk";
