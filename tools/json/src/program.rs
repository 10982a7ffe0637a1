//! The jq language by jaq: a program compiled, and run over one value. Not a tool: no bounds on what
//! comes out; the caller stops pulling.
//!
//! Invariant: a program sees its input and nothing else: it cannot load files, and clock and environment
//! are the sandbox's.

use jaq_core::load::{Arena, Error as LoadError, File, Loader};
use jaq_core::{Compiler, Ctx, Exn, Filter, Vars, data, load};
use jaq_json::Val;
use toolgate_sdk::Failure;

/// A compiled program.
pub(crate) struct Program(Filter<data::JustLut<Val>>);

impl Program {
    /// Compiles; the failure quotes the words that are wrong.
    pub(crate) fn compile(code: &str) -> Result<Self, Failure> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code, path: () })
            .map_err(|errors| refused(errors.into_iter().flat_map(|(_, error)| load_errors(error))))?;
        let filter = Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
            refused(
                errors
                    .into_iter()
                    .flat_map(|(_, undefined)| undefined)
                    .map(|(name, kind)| format!("there is no {} `{name}`", kind.as_str())),
            )
        })?;
        Ok(Self(filter))
    }

    /// Everything that the program gives for `input`, one after the other; `halt` ends it.
    pub(crate) fn run(&self, input: Val) -> impl Iterator<Item = Result<Val, Failure>> {
        let context = Ctx::<data::JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        self.0.id.run((context, input)).map_while(|result| match result.map_err(Exn::get_err) {
            Ok(value) => Some(Ok(value)),
            Err(Ok(error)) => Some(Err(Failure::invalid_input(format!("the program failed: {error}")))),
            Err(Err(_halt)) => None,
        })
    }
}

fn refused(problems: impl Iterator<Item = String>) -> Failure {
    let problems = problems.collect::<Vec<_>>().join("; ");
    Failure::invalid_input(format!("`program` is no jq program: {problems}"))
}

fn load_errors(error: LoadError<&str>) -> Vec<String> {
    let found = |text: &str| match text.chars().take(40).collect::<String>() {
        text if text.is_empty() => "the end".to_owned(),
        text => format!("`{text}`"),
    };
    match error {
        load::Error::Io(errors) => {
            errors.into_iter().map(|(path, _)| format!("`{path}` cannot be loaded here")).collect()
        }
        load::Error::Lex(errors) => errors
            .into_iter()
            .map(|(expected, at)| format!("expected {} at {}", expected.as_str(), found(at)))
            .collect(),
        load::Error::Parse(errors) => errors
            .into_iter()
            .map(|(expected, at)| format!("expected {} at {}", expected.as_str(), found(at)))
            .collect(),
    }
}
