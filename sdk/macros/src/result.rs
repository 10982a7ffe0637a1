//! How a tool's result reaches the agent, read off the spelling of its type: does it fail, and is it
//! wrapped? Not type checking: a macro sees words, and `Tool::definition` checks the schema behind them.
//!
//! Invariant: the decision is made here once, so that definition and call agree.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypePath, TypeTuple, token};

/// Types that are not objects in JSON, by the last word of their path.
const NOT_OBJECTS: [&str; 29] = [
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "str",
    "String",
    "Path",
    "PathBuf",
    "Option",
    "Vec",
    "VecDeque",
    "LinkedList",
    "BinaryHeap",
    "HashSet",
    "BTreeSet",
    "Duration",
    "SystemTime",
];

/// Pointers, which serialize as what they point to.
const TRANSPARENT: [&str; 4] = ["Box", "Rc", "Arc", "Cow"];

/// The result of a tool.
pub(crate) struct ToolResult {
    /// The type as it was written; `()` when nothing was.
    pub(crate) ty: Type,
    /// It is a `Result`.
    pub(crate) fallible: bool,
    /// It is given as `{"result": …}`.
    pub(crate) wrapped: bool,
}

impl ToolResult {
    /// Reads `-> …`.
    pub(crate) fn read(output: &ReturnType) -> syn::Result<Self> {
        let ty = match output {
            ReturnType::Default => unit(),
            ReturnType::Type(_, ty) => Type::clone(ty),
        };
        if let Type::ImplTrait(_) = ty {
            let message = "a tool's result is a type with a name: its schema comes from it";
            return Err(syn::Error::new(ty.span(), message));
        }
        let result = last_segment(&ty).filter(|segment| segment.ident == "Result");
        let wrapped = match result {
            Some(result) => first_argument(result).is_some_and(is_not_object),
            None => is_not_object(&ty),
        };
        Ok(Self { fallible: result.is_some(), wrapped, ty })
    }
}

fn unit() -> Type {
    Type::Tuple(TypeTuple {
        attrs: Vec::new(),
        paren_token: token::Paren(Span::call_site()),
        elems: Punctuated::new(),
    })
}

fn is_not_object(ty: &Type) -> bool {
    match ty {
        Type::Array(_) | Type::Slice(_) | Type::Tuple(_) => true,
        Type::Reference(reference) => is_not_object(&reference.elem),
        Type::Paren(inner) => is_not_object(&inner.elem),
        Type::Group(inner) => is_not_object(&inner.elem),
        Type::Path(_) => last_segment(ty).is_some_and(|segment| {
            let word = segment.ident.to_string();
            NOT_OBJECTS.contains(&word.as_str())
                || (TRANSPARENT.contains(&word.as_str())
                    && first_argument(segment).is_some_and(is_not_object))
        }),
        _ => false,
    }
}

/// The last word of a path type, with its arguments.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(TypePath { path, .. }) => path.segments.last(),
        Type::Paren(inner) => last_segment(&inner.elem),
        Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}

fn first_argument(segment: &PathSegment) -> Option<&Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn read(output: ReturnType) -> (bool, bool) {
        let result = ToolResult::read(&output).expect("a result");
        (result.fallible, result.wrapped)
    }

    #[test]
    fn a_struct_is_given_as_it_is() {
        assert_eq!(read(parse_quote!(-> Page)), (false, false));
        assert_eq!(read(parse_quote!(-> Result<crate::Page, Failure>)), (true, false));
        assert_eq!(read(parse_quote!(-> HashMap<String, u8>)), (false, false));
        assert_eq!(read(parse_quote!(-> Box<Page>)), (false, false));
    }

    #[test]
    fn what_is_spelled_as_no_object_is_wrapped() {
        assert_eq!(read(ReturnType::Default), (false, true));
        assert_eq!(read(parse_quote!(-> &'static str)), (false, true));
        assert_eq!(read(parse_quote!(-> std::vec::Vec<Page>)), (false, true));
        assert_eq!(read(parse_quote!(-> Box<[Page]>)), (false, true));
        assert_eq!(read(parse_quote!(-> std::io::Result<Option<Page>>)), (true, true));
        assert_eq!(read(parse_quote!(-> Result<(), Failure>)), (true, true));
    }
}
