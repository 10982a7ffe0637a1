//! `${NAME}` and `${NAME:-default}` in strings; `$${` is a plain `${`.
//!
//! As in a POSIX shell's `:-`, a variable that is empty counts as unset, so that a path never loses its
//! first half in silence; `${NAME:-}` is the way to say that nothing is meant. What is filled in is not
//! read again. Not here: where values come from; the caller hands them in.

use std::collections::BTreeMap;

/// The environment, and what was read of it.
pub(in crate::policy) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Every name that was asked for, with its value unless unset or empty.
    pub(in crate::policy) read: BTreeMap<String, Option<String>>,
}

impl<'a> Environment<'a> {
    pub(in crate::policy) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, read: BTreeMap::new() }
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let ask = || (self.lookup)(name).filter(|value| !value.is_empty());
        self.read.entry(name.to_owned()).or_insert_with(ask).clone()
    }
}

/// A string that cannot be filled in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// The variable is unset or empty, and there is no default.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// `${` without its `}`.
    #[error("`${{` has no closing `}}`")]
    Unclosed,
    /// Not the name of a variable.
    #[error("`{0}` is not the name of an environment variable")]
    BadName(String),
}

impl ExpandError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unset(_) => "unset_variable",
            Self::Unclosed | Self::BadName(_) => "bad_expansion",
        }
    }

    pub(super) fn help(&self) -> String {
        match self {
            Self::Unset(name) => format!("set `{name}`, or give a default: `${{{name}:-default}}`"),
            Self::Unclosed | Self::BadName(_) => {
                "write `${NAME}` or `${NAME:-default}`; a plain `${` is written `$${`".to_owned()
            }
        }
    }
}

/// Fills in one string.
pub(super) fn expand(text: &str, environment: &mut Environment<'_>) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let (inside, after) = after.split_once('}').ok_or(ExpandError::Unclosed)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_variable_name(name) {
            return Err(ExpandError::BadName(name.to_owned()));
        }
        let value = environment.value(name).or_else(|| default.map(str::to_owned));
        out.push_str(&value.ok_or_else(|| ExpandError::Unset(name.to_owned()))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A letter or `_`, then letters, digits and `_` (POSIX.1-2017, 3.235 "Name").
pub(in crate::policy) fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(word) && name.starts_with(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> Result<String, ExpandError> {
        let lookup = |name: &str| match name {
            "DIR" => Some("/srv".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${DIR}".to_owned()),
            _ => None,
        };
        expand(text, &mut Environment::new(&lookup))
    }

    #[test]
    fn a_variable_is_filled_in_and_a_default_stands_in_for_a_missing_one() {
        assert_eq!(filled("${DIR}/a/${NONE:-b}"), Ok("/srv/a/b".to_owned()));
        assert_eq!(filled("${DIR:-/other}"), Ok("/srv".to_owned()));
        assert_eq!(filled("[${NONE:-}]"), Ok("[]".to_owned()));
    }

    #[test]
    fn a_missing_variable_without_a_default_is_an_error() {
        assert_eq!(filled("${NONE}"), Err(ExpandError::Unset("NONE".to_owned())));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(filled("${EMPTY}/etc"), Err(ExpandError::Unset("EMPTY".to_owned())));
        assert_eq!(filled("${EMPTY:-x}"), Ok("x".to_owned()));
    }

    #[test]
    fn what_was_filled_in_is_not_read_again() {
        assert_eq!(filled("${NESTED}"), Ok("${DIR}".to_owned()));
    }

    #[test]
    fn a_doubled_dollar_is_a_plain_one_and_a_lone_dollar_stays() {
        assert_eq!(filled("$${DIR} $5 ^a$"), Ok("${DIR} $5 ^a$".to_owned()));
    }

    #[test]
    fn an_unclosed_or_ill_named_variable_is_an_error() {
        assert_eq!(filled("a${DIR"), Err(ExpandError::Unclosed));
        for name in ["", "1A", "A B", "A-B", "É"] {
            let text = format!("${{{name}}}");
            assert_eq!(filled(&text), Err(ExpandError::BadName(name.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[${}:A-C-]{0,24}|.{0,24}") {
            let _ = filled(&text);
        }

        #[test]
        fn text_without_an_opening_is_itself(text in "[^{]{0,32}") {
            prop_assert_eq!(filled(&text), Ok(text));
        }
    }
}
