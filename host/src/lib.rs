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
mod gate;
pub mod ledger;
pub mod mcp;
mod pipeline;
pub mod policy;
pub mod sandbox;
pub mod sanitizer;
pub mod schema;
mod seams;

pub use gate::{
    Gate, GateError, GateOptions, Run, RunOptions, base_of, load_policy, read_policy, refuse_widening,
};
pub use pipeline::{Progress, ProgressSink};
pub use seams::Seams;
