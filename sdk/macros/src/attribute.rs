//! What is written inside `#[tool(…)]`. Not what the function looks like: that is `signature`.
//!
//! Invariant: the list of capabilities is the contract's, in its order, without repeats.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, Token, parenthesized};

/// The contract's capabilities and the SDK's variants for them.
const CAPABILITIES: [(&str, &str); 7] = [
    ("fs", "Fs"),
    ("http", "Http"),
    ("env", "Env"),
    ("secret", "Secret"),
    ("clock", "Clock"),
    ("random", "Random"),
    ("log", "Log"),
];

/// `#[tool]` or `#[tool(needs(fs, clock))]`.
pub(crate) struct Attribute {
    /// Variants of the SDK's `Capability`.
    pub(crate) needs: Vec<Ident>,
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut named = Vec::new();
        let mut seen = false;
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "needs" {
                let message = format!("unknown option `{key}`: the one option is `needs(…)`");
                return Err(syn::Error::new(key.span(), message));
            }
            if seen {
                return Err(syn::Error::new(key.span(), "`needs` is given twice"));
            }
            seen = true;
            let inner;
            parenthesized!(inner in input);
            named.extend(Punctuated::<Ident, Token![,]>::parse_terminated(&inner)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self { needs: variants(&named)? })
    }
}

fn variants(named: &[Ident]) -> syn::Result<Vec<Ident>> {
    let mut problems: Option<syn::Error> = None;
    for (index, need) in named.iter().enumerate() {
        let problem = if !CAPABILITIES.iter().any(|(word, _)| need == word) {
            unknown(need)
        } else if named.iter().take(index).any(|earlier| earlier == need) {
            format!("`{need}` is named twice")
        } else {
            continue;
        };
        let problem = syn::Error::new(need.span(), problem);
        match &mut problems {
            Some(all) => all.combine(problem),
            None => problems = Some(problem),
        }
    }
    match problems {
        Some(problems) => Err(problems),
        None => Ok(CAPABILITIES
            .iter()
            .filter(|(word, _)| named.iter().any(|need| need == word))
            .map(|(_, variant)| Ident::new(variant, Span::call_site()))
            .collect()),
    }
}

fn unknown(need: &Ident) -> String {
    let word = need.to_string();
    let nearest = CAPABILITIES
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(&word.to_lowercase(), known), *known))
        .min()
        .filter(|(distance, known)| distance.saturating_mul(2) <= known.len());
    let known = CAPABILITIES.map(|(word, _)| word).join(", ");
    match nearest {
        Some((_, nearest)) => format!("unknown capability `{word}`: did you mean `{nearest}`?"),
        None => format!("unknown capability `{word}`: expected one of {known}"),
    }
}
