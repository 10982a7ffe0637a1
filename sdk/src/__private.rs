//! What the code made by `#[tool]` and `component!` names. Not public: it may change with any version.
//!
//! Invariant: everything generic that generated code needs is here as a function, so that the generated
//! code itself stays a few lines.

use crate::prose;
use crate::schema::{self, Wrapped};
use crate::{Capability, Definition, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::tool::{Entry, call, definitions, names_differ};
#[cfg(target_family = "wasm")]
pub use crate::wit::{Exports, bindings, export};
pub use schemars;
pub use serde;

/// The result type of a function that can fail, by whatever alias it is spelled.
pub trait Fallible {
    /// What it gives when it does not fail.
    type Output;
}

impl<T, E> Fallible for Result<T, E> {
    type Output = T;
}

/// The definition of a tool that takes `A` and returns `T`, an object in JSON.
pub fn define<A: JsonSchema, T: JsonSchema>(
    name: &str,
    description: &str,
    needs: &[Capability],
) -> Definition {
    Definition {
        name: name.to_owned(),
        description: prose::unwrapped(description),
        input_schema: schema::input::<A>(),
        output_schema: match schema::output::<T>() {
            Ok(schema) => schema,
            Err(mistake) => refuse(name, &mistake),
        },
        needs: needs.to_vec(),
    }
}

/// The same, for a `T` that is wrapped.
pub fn define_wrapped<A: JsonSchema, T: JsonSchema>(
    name: &str,
    description: &str,
    needs: &[Capability],
) -> Definition {
    define::<A, Wrapped<T>>(name, description, needs)
}

#[expect(clippy::panic, reason = "a mistake of the author, shown by `cargo test` and `toolgate build`")]
fn refuse(name: &str, mistake: &str) -> ! {
    panic!("tool `{name}`: {mistake}")
}

/// Reads the arguments; the failure names the place, as `orders[2].total`.
pub fn arguments<A: DeserializeOwned>(json: &str) -> Result<A, Failure> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = without_position(error.inner());
        match path.as_str() {
            "." => problem,
            path => format!("`{path}`: {problem}"),
        }
    });
    let ended = deserializer.end().map_err(|error| without_position(&error));
    read.and_then(|arguments| ended.map(|()| arguments)).map_err(Failure::invalid_input)
}

/// Lines and columns of text that the model never wrote as text would only confuse it.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&position) {
        Some(problem) => problem.to_owned(),
        None => message,
    }
}

/// Writes a result that is an object in JSON.
pub fn answer<T: Serialize>(result: T) -> Result<String, Failure> {
    serde_json::to_string(&result)
        .map_err(|error| Failure::internal(format!("the result cannot be written as JSON: {error}")))
}

/// Writes any other result, as `{"result": …}`.
pub fn answer_wrapped<T: Serialize>(result: T) -> Result<String, Failure> {
    answer(Wrapped { result })
}
