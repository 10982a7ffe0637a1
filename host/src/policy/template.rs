//! Template: a fallback's text with places for the tool, the reason and the call's arguments.
//!
//! Not here: the values, which are the call's and cleaned by whoever fills them in. Invariant: every place in one is
//! known, and what is filled in is not read again.

use super::condition::Pointer;
use serde::{Serialize, Serializer};

/// A text with places that are filled in for each call. Serializes as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(String),
    Place(Placeholder),
}

/// What a place is filled in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// `{tool}`: the tool's name.
    Tool,
    /// `{reason}`: the reason code.
    Reason,
    /// `{/json/pointer}`: a part of the call's arguments.
    Argument(Pointer),
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{` without its `}`.
    #[error("`{{` has no closing `}}`")]
    Unclosed,
    /// Nothing that could be filled in.
    #[error("`{{{0}}}` is no placeholder")]
    Unknown(String),
}

impl Template {
    /// Reads one: `{{` is a plain `{`, and every other `{` begins a place.
    ///
    /// # Errors
    /// A place that is not closed, or not known.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix('{') {
                plain.push('{');
                rest = after;
                continue;
            }
            let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            let place = placeholder(name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            parts.push(Part::Plain(std::mem::take(&mut plain)));
            parts.push(Part::Place(place));
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Plain(plain));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The text with every place filled in.
    pub fn fill(&self, value: impl Fn(&Placeholder) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Plain(text) => text.clone(),
            Part::Place(place) => value(place),
        };
        self.parts.iter().map(part).collect()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn placeholder(name: &str) -> Option<Placeholder> {
    match name {
        "tool" => Some(Placeholder::Tool),
        "reason" => Some(Placeholder::Reason),
        // The empty pointer would be all of the arguments.
        "" => None,
        pointer => Pointer::parse(pointer).map(Placeholder::Argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> Result<String, TemplateError> {
        let value = |place: &Placeholder| match place {
            Placeholder::Tool => "T".to_owned(),
            Placeholder::Reason => "R".to_owned(),
            Placeholder::Argument(pointer) => format!("<{pointer}>"),
        };
        Template::parse(text).map(|template| template.fill(value))
    }

    #[test]
    fn each_place_is_filled_in_and_two_braces_are_one() {
        for (text, expected) in [
            ("no place", "no place"),
            ("{tool}: {reason}", "T: R"),
            ("{/a/0/b~1c}{/}", "</a/0/b~1c></>"),
            ("{{tool}, {{{tool}}", "{tool}, {T}"),
            ("a } b }}", "a } b }}"),
            ("", ""),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let template = Template::parse("{tool} {reason}").unwrap();
        assert_eq!(template.fill(|_| "{tool}".to_owned()), "{tool} {tool}");
    }

    #[test]
    fn a_place_that_is_unknown_or_not_closed_is_an_error() {
        for name in ["", "Tool", " tool", "args", "a/b", "/a~2"] {
            let text = format!("x {{{name}}} y");
            assert_eq!(filled(&text), Err(TemplateError::Unknown(name.to_owned())), "{text}");
        }
        for text in ["{", "{tool", "a {/b", "{{{"] {
            assert_eq!(filled(text), Err(TemplateError::Unclosed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_whose_braces_are_doubled_comes_out_as_it_was(text in "[a-z{} /~]{0,40}") {
            prop_assert_eq!(filled(&text.replace('{', "{{")), Ok(text));
        }

        #[test]
        fn no_text_is_read_otherwise_than_to_an_answer(text in any::<String>()) {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(template.as_str(), text);
            }
        }
    }
}
