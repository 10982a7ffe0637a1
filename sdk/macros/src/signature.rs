//! What a tool's function looks like: checked against what a tool can be, and taken apart. Not code
//! generation: that is `expand`.
//!
//! Invariant: all problems of a function are reported at once, each at the words that cause it.

use crate::result::{ToolResult, last_segment};
use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Meta, Pat, PatType, Safety, Signature, Type};

/// The contract's bound on a tool's name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Attributes of a parameter that belong to the field made from it.
const FIELD_ATTRIBUTES: [&str; 3] = ["doc", "serde", "schemars"];

/// One parameter.
pub(crate) enum Parameter {
    /// `&Context`.
    Context,
    /// A field of the arguments object.
    Field(Box<Field>),
}

/// A field of the arguments object.
pub(crate) struct Field {
    pub(crate) attributes: Vec<syn::Attribute>,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// A function that can be a tool.
pub(crate) struct ToolFunction {
    pub(crate) description: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: ToolResult,
}

impl ToolFunction {
    /// Takes the function apart, and the field attributes off its parameters, where Rust would refuse
    /// them; they are off also when it returns an error.
    pub(crate) fn read(function: &mut ItemFn) -> syn::Result<Self> {
        let mut problems = Problems::default();
        problems.check_signature(&function.sig);
        let description = problems.keep(description(function)).unwrap_or_default();
        let result = problems.keep(ToolResult::read(&function.sig.output));
        let mut parameters = Vec::new();
        for input in &mut function.sig.inputs {
            let parameter = problems.keep(parameter(input));
            if matches!(parameter, Some(Parameter::Context))
                && parameters.iter().any(|other| matches!(other, Parameter::Context))
            {
                problems.add(input, "a tool takes the context once");
            }
            parameters.extend(parameter);
        }
        match (problems.0, result) {
            (None, Some(result)) => Ok(Self { description, parameters, result }),
            (Some(problems), _) => Err(problems),
            (None, None) => Err(syn::Error::new(Span::call_site(), "no result type")),
        }
    }
}

/// Everything found wrong so far.
#[derive(Default)]
struct Problems(Option<syn::Error>);

impl Problems {
    fn add(&mut self, at: impl ToTokens, message: &str) {
        self.combine(syn::Error::new_spanned(at, message));
    }

    fn combine(&mut self, problem: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(problem),
            None => self.0 = Some(problem),
        }
    }

    fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|problem| self.combine(problem)).ok()
    }

    fn check_signature(&mut self, sig: &Signature) {
        if let Some(asyncness) = &sig.asyncness {
            self.add(asyncness, "a tool is not async: it runs in its own sandbox and may block");
        }
        if let Safety::Unsafe(token) = &sig.safety {
            self.add(token, "a tool is not unsafe: anyone may call it with any arguments");
        }
        if let Some(abi) = &sig.abi {
            self.add(abi, "a tool is a plain Rust function");
        }
        if let Some(variadic) = &sig.variadic {
            self.add(variadic, "a tool has a fixed list of parameters");
        }
        if !sig.generics.params.is_empty() {
            let message = "a tool is not generic: its schema needs concrete types";
            self.add(&sig.generics.params, message);
        } else if let Some(clause) = &sig.generics.where_clause {
            self.add(clause, "a tool is not generic: its schema needs concrete types");
        }
        if !is_tool_name(&sig.ident.unraw().to_string()) {
            let message = "a tool's name is 1 to 64 characters, a-z, 0-9 and _, and starts with a letter";
            self.add(&sig.ident, message);
        }
    }
}

fn is_tool_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The doc comment, without the space after `///`.
fn description(function: &ItemFn) -> syn::Result<String> {
    let mut lines = Vec::new();
    for attribute in &function.attrs {
        match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => lines.push(text.value()),
                other => {
                    let message = "the model reads this: write the text itself";
                    return Err(syn::Error::new_spanned(other, message));
                }
            },
            _ => {}
        }
    }
    let text = lines
        .iter()
        .flat_map(|block| block.split('\n'))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect::<Vec<_>>()
        .join("\n");
    match text.trim() {
        "" => Err(syn::Error::new(
            function.sig.ident.span(),
            "a tool needs a doc comment: it is what the model knows about the tool",
        )),
        text => Ok(text.to_owned()),
    }
}

fn parameter(input: &mut FnArg) -> syn::Result<Parameter> {
    let argument = match input {
        FnArg::Receiver(receiver) => {
            let message = "a tool is a function, not a method: it has no `self`";
            return Err(syn::Error::new_spanned(receiver, message));
        }
        FnArg::Typed(argument) => argument,
    };
    let attributes = take_field_attributes(argument);
    let ty = Type::clone(&argument.ty);
    if is_context(&ty)? {
        return match attributes.first() {
            Some(attribute) => {
                let message = "the context is not an argument: the model does not see it";
                Err(syn::Error::new_spanned(attribute, message))
            }
            None => Ok(Parameter::Context),
        };
    }
    let name = name(&argument.pat)?;
    let refusal = match &ty {
        Type::Reference(_) => "an argument is owned: take `String` for a text, `Vec<T>` for a list",
        Type::ImplTrait(_) => "an argument has a concrete type: its schema comes from it",
        _ => {
            let field = Field { attributes, name, ty };
            return Ok(Parameter::Field(Box::new(field)));
        }
    };
    Err(syn::Error::new(ty.span(), refusal))
}

fn take_field_attributes(argument: &mut PatType) -> Vec<syn::Attribute> {
    let (fields, rest) = std::mem::take(&mut argument.attrs)
        .into_iter()
        .partition(|attribute| FIELD_ATTRIBUTES.iter().any(|name| attribute.path().is_ident(name)));
    argument.attrs = rest;
    fields
}

fn is_context(ty: &Type) -> syn::Result<bool> {
    let is_named = |ty| last_segment(ty).is_some_and(|segment| segment.ident == "Context");
    match ty {
        Type::Reference(reference) if is_named(&reference.elem) => match &reference.mutability {
            Some(token) => Err(syn::Error::new_spanned(token, "the context is shared: `&Context`")),
            None => Ok(true),
        },
        other if is_named(other) => Err(syn::Error::new_spanned(other, "the context is lent: `&Context`")),
        _ => Ok(false),
    }
}

fn name(pattern: &Pat) -> syn::Result<Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Ok(name.ident.clone()),
        other => {
            let message = "an argument has a plain name: it is the field that the model fills in";
            Err(syn::Error::new_spanned(other, message))
        }
    }
}
