//! The guards: what keeps an agent from running away.
//!
//! The ledger is the state. Its records are reduced to events, and what the guards know ([`Board`]) is a pure
//! fold of them; a call is admitted by a pure function of that state, the settings and the time. Not here: the
//! ledger, the clock, and whatever acts on a verdict. Invariant: no I/O, clock, randomness or runtime; the same
//! events give the same state in every process, under every policy.

mod admit;
mod board;
mod breaker;
mod budget;
mod clock;
pub mod event;
mod inquiry;
mod near;
mod rate;
mod repetition;
mod retry;
mod review;
mod run;
mod scope;
pub mod settings;
mod spend;
mod status;
mod tally;
#[cfg(test)]
mod tests;
mod tokens;
mod tool;
mod turn;
mod verdict;
mod words;

pub use board::Board;
pub use budget::Budget;
pub use near::near;
pub use rate::Limited;
pub use repetition::Pattern;
pub use retry::pause_ms;
pub use run::Course;
pub use scope::Scope;
pub use spend::Window;
pub use status::{Amounts, Left, NextAction, Standing, Status};
pub use verdict::{Admission, Ask, Consulted, GuardName, Notice, Reading, Refusal, Why};
