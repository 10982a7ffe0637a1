//! Toolgate stands between a model and its tools: the model suggests, the platform decides.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use toolgate::{Gate, RunOptions};
//!
//! let gate = Gate::open("policies/demo.toml").await?;
//! let run = gate.run(RunOptions::default()).await?;
//! let outcome = run.call("calculate", r#"{"expression": "2 * 21"}"#).await;
//! println!("{}", outcome.text);
//! # Ok(())
//! # }
//! ```
//!
//! `host/ARCHITECTURE.md` has the map. The call's story is `pipeline/run.rs`.

pub mod call;
pub mod catalog;
pub mod control;
mod gate;
pub mod guard;
pub mod ledger;
pub mod mcp;
pub mod opening;
mod pipeline;
pub mod policy;
mod regular;
mod run;
pub mod sandbox;
pub mod sanitizer;
pub mod schema;
mod seams;

pub use gate::{Gate, GateError, GateOptions};
pub use pipeline::{Progress, ProgressSink, known_to_have_happened};
pub use run::{Run, RunOptions};
pub use seams::Seams;
