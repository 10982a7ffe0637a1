//! The way of a call: propose → validate → decide → (intent on the ledger) → execute → check → sanitize → record.
//!
//! One file per verb; `run` tells the story on one screen. Nouns live in the other rooms and never import
//! this one. Invariant: the types make the order unbreakable. Each stage's type has private fields, and its
//! one constructor is private to the stage.

mod check;
mod decide;
mod ending;
mod execute;
mod propose;
mod record;
mod run;
mod sanitize;
mod stages;
mod validate;

pub(crate) use run::run;
pub use run::{Progress, ProgressSink};
