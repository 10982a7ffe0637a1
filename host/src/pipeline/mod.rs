//! The way of a call: propose → validate → decide → (intent on the ledger) → execute → check → sanitize → record.
//!
//! One file per verb; `run` tells the story on one screen. Nouns live in the other rooms and never import
//! this one. Invariant: the types make the order unbreakable. Each stage's type has private fields, and its
//! one constructor is private to the stage.

mod approval;
mod ask;
mod check;
mod checkpoint;
mod course;
mod decide;
mod ending;
mod execute;
mod expectation;
mod fallback;
mod intent;
mod note;
mod outcome;
mod propose;
mod record;
mod reserved;
mod retry;
mod run;
mod sanitize;
mod stages;
mod validate;

pub(crate) use checkpoint::checkpoint;
pub use outcome::known_to_have_happened;
pub(crate) use reserved::own_tools;
pub(crate) use run::run;
pub use run::{Progress, ProgressSink};
