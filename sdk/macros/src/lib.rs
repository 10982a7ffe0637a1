//! The `#[tool]` attribute of `toolgate-sdk`: from a plain function to an implementation of its `Tool`.
//! Not to be used by itself; what the generated code names lives in `toolgate_sdk::__private`.
//!
//! Invariant: every refusal is a compile error at the author's own text, and the function stays what it
//! was: callable, testable, with the same signature.

mod attribute;
mod expand;
mod result;
mod signature;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a tool of a function: its name is the tool's name, its doc comment the description that the
/// model reads, its parameters the fields of the arguments object, its result the output.
///
/// ```
/// use schemars::JsonSchema;
/// use serde::Serialize;
/// use toolgate_sdk::{Failure, tool};
///
/// /// A line of a file.
/// #[derive(Serialize, JsonSchema)]
/// pub struct Line {
///     /// Counted from 1.
///     number: usize,
///     text: String,
/// }
///
/// /// Returns one line of a file. Count the lines first when you do not know how many there are.
/// #[tool(needs(fs))]
/// pub fn read_line(
///     /// The file, relative to the granted folder.
///     path: String,
///     /// Which line, from 1; the first when left out.
///     #[schemars(range(min = 1))]
///     number: Option<usize>,
/// ) -> Result<Line, Failure> {
///     let text = std::fs::read_to_string(&path)?;
///     let number = number.unwrap_or(1);
///     match text.lines().nth(number.saturating_sub(1)) {
///         Some(line) => Ok(Line { number, text: line.to_owned() }),
///         None => Err(Failure::not_found(format!("`{path}` has {} lines", text.lines().count()))),
///     }
/// }
/// # fn main() {}
/// ```
///
/// # Parameters
/// Each is a field of the arguments object, of an owned type with `Deserialize` and `JsonSchema`. Its doc
/// comment is the field's description; `#[serde(…)]` and `#[schemars(…)]` on it mean what they mean on a
/// field (`#[serde(default = "…")]`, `#[schemars(range(min = 1))]`). An `Option<T>` may be left out.
/// Unknown fields are refused. One parameter may be `&Context`: it is not an argument.
///
/// # Result
/// A type with `Serialize` and `JsonSchema`, or a `Result` of one whose error is or becomes a `Failure`.
/// Agents get an object: a struct (or a map, or an enum of objects) is given as it is. What is spelled as
/// a text, number, `bool`, list, tuple, `()` or `Option` is wrapped as `{"result": …}`. Any other type
/// that is not an object in JSON is refused by the test that `component!` adds, and by `toolgate build`.
///
/// # Needs
/// `#[tool(needs(fs, clock))]` says what it cannot work without: `fs`, `http`, `env`, `secret`, `clock`,
/// `random`, `log`. It grants nothing.
///
/// # Where
/// On a function of a module, beside which it declares an empty type of the same name; not on a method.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let attribute = parse_macro_input!(attribute as attribute::Attribute);
    let function = match syn::parse::<syn::ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => return not_a_function(item, error),
    };
    expand::tool(&attribute, function).into()
}

/// The item as it was, and what is wrong with it.
fn not_a_function(item: TokenStream, error: syn::Error) -> TokenStream {
    let error = match syn::parse::<syn::Item>(item.clone()) {
        Ok(other) => syn::Error::new_spanned(other, "`#[tool]` goes on a function"),
        Err(_) => error,
    };
    let mut tokens = TokenStream::from(error.into_compile_error());
    tokens.extend(item);
    tokens
}
