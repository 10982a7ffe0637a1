//! Sessions over an in-memory stream, as raw lines, against a stand-in for the gate.

mod calls;
mod eras;
mod refusals;
mod session;
mod stand_in;

use session::{Session, modern};
