//! Write a Toolgate tool: a plain Rust function with typed arguments and result.
//!
//! ```
//! /// Returns the text unchanged. Use it to check that tools can be called.
//! #[toolgate_sdk::tool]
//! pub fn echo(
//!     /// What to return.
//!     text: String,
//! ) -> String {
//!     text
//! }
//!
//! toolgate_sdk::component!(echo);
//! # fn main() {}
//! ```
//!
//! Built for `wasm32-wasip2`, that is a component of the world `toolgate:tool/tool` (`wit/toolgate.wit`).
//! Everywhere else it is an ordinary function: `cargo test` needs no sandbox, and [`testing`] has a fake
//! call context.
//!
//! - [`tool`](macro@tool) says what a function may look like and what becomes of it.
//! - [`component!`] lists the tools that one component exports.
//! - [`Context`] is what the host tells a call, and what the call tells the host.
//! - [`Failure`] is why a call failed.
//!
//! This crate holds no policy and grants nothing: files, clock and network are the standard library's,
//! and what they reach is the host's decision.
//!
//! Invariant: what a tool is called, takes, returns and needs is fixed when it is compiled;
//! `definitions` gives the same bytes each time.

mod component;
mod context;
mod failure;
mod prose;
mod schema;
mod tool;

#[cfg(not(target_family = "wasm"))]
pub mod testing;
#[cfg(target_family = "wasm")]
mod wit;

#[doc(hidden)]
pub mod __private;

pub use context::{Context, Level};
pub use failure::{Failure, FailureKind};
pub use tool::{Capability, Definition, Tool};
pub use toolgate_sdk_macros::tool;
