//! jq programs over JSON. Not files: the JSON comes in as an argument.
//!
//! Invariant: integers of any size stay exact, and what goes out is JSON.

mod program;
mod query;

toolgate_sdk::component!(query::query_json);
