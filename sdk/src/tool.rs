//! What a tool is to the contract: its definition and its call, JSON text on both ways. Authors do not
//! implement this by hand; `#[tool]` does.
//!
//! Invariant: a definition depends on nothing but the tool's types and doc comments.

use crate::{Context, Failure};

/// A kind of power that a tool needs to do its work, named in `#[tool(needs(…))]`. Naming it grants
/// nothing: the policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Files beneath the granted folders.
    Fs,
    /// Requests to the granted hosts.
    Http,
    /// The granted environment variables.
    Env,
    /// Secrets that the host puts into requests.
    Secret,
    /// The time of day, and the passing of time.
    Clock,
    /// Entropy.
    Random,
    /// Log lines that are kept.
    Log,
}

/// One thing that an agent can call, as `definitions` of the contract gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The function's name.
    pub name: String,
    /// The function's doc comment.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments, as JSON text; the root is an object.
    pub input_schema: String,
    /// JSON Schema 2020-12 of the result, as JSON text; the root is an object.
    pub output_schema: String,
    /// What it needs, in the order of the contract.
    pub needs: Vec<Capability>,
}

/// A function that an agent can call. `#[tool]` on the function `echo` implements this for the type
/// `echo`, which has no values and only names the tool, so that `component!(echo)` and
/// `testing::call::<echo>(…)` read naturally.
pub trait Tool {
    /// Unique in its component: `[a-z][a-z0-9_]{0,63}`.
    const NAME: &'static str;

    /// What it is called, takes, returns and needs.
    ///
    /// # Panics
    /// When the result type is not an object in JSON (see [`tool`](macro@crate::tool)): a mistake of the
    /// author, found by the test that `component!` adds and by `toolgate build`.
    fn definition() -> Definition;

    /// Runs it: arguments and result are JSON objects as text.
    ///
    /// # Errors
    /// What the function returned; [`Failure::invalid_input`] with the place in the arguments when they
    /// do not fit the parameters; [`Failure::internal`] when the result cannot be written as JSON.
    fn call(cx: &Context, arguments_json: &str) -> Result<String, Failure>;
}

/// A tool as a component carries it: [`Tool`] without the type.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    name: &'static str,
    definition: fn() -> Definition,
    call: fn(&Context, &str) -> Result<String, Failure>,
}

impl Entry {
    /// The entry of `T`.
    pub const fn of<T: Tool>() -> Self {
        Self { name: T::NAME, definition: T::definition, call: T::call }
    }
}

/// The definitions of a component's tools, in the order given to `component!`.
pub fn definitions(tools: &[Entry]) -> Vec<Definition> {
    tools.iter().map(|tool| (tool.definition)()).collect()
}

/// Runs the tool of that name; an unknown name is `not_found`.
pub fn call(tools: &[Entry], cx: &Context, name: &str, arguments_json: &str) -> Result<String, Failure> {
    match tools.iter().find(|tool| tool.name == name) {
        Some(tool) => (tool.call)(cx, arguments_json),
        None => Err(Failure::not_found(format!("this component has no tool `{name}`"))),
    }
}

/// True when no two names are equal; const, so that `component!` can refuse at compile time.
pub const fn names_differ(tools: &[Entry]) -> bool {
    let mut rest = tools;
    while let [first, others @ ..] = rest {
        let mut tail = others;
        while let [second, after @ ..] = tail {
            if same(first.name.as_bytes(), second.name.as_bytes()) {
                return false;
            }
            tail = after;
        }
        rest = others;
    }
    true
}

const fn same(mut left: &[u8], mut right: &[u8]) -> bool {
    while let ([a, more_left @ ..], [b, more_right @ ..]) = (left, right) {
        if *a != *b {
            return false;
        }
        left = more_left;
        right = more_right;
    }
    left.is_empty() && right.is_empty()
}
