//! Why a schema is refused, in sentences for its author.

use super::limits::{
    EXPANDED_DEPTH_MAX, EXPANDED_MAX, PATTERN_BYTES_MAX, PATTERN_BYTES_TOTAL_MAX, PATTERN_COMPILED_BYTES_MAX,
    SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX,
};
use std::fmt;

/// Why a schema is refused at load.
///
/// A `path` is the JSON Pointer of the place in the schema; words of the schema appear short and in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The document is no JSON object.
    #[error("the schema is not a JSON object")]
    NotAnObject,
    /// An input schema that does not ask for an object (Model Context Protocol, tools).
    #[error("the root of an input schema must say `\"type\": \"object\"`: arguments come by name")]
    RootNotObject,
    /// Too many bytes.
    #[error(
        "the schema is larger than {SCHEMA_BYTES_MAX} bytes; a model cannot read it: leave out what is not checked"
    )]
    TooLarge,
    /// Nested too deep.
    #[error("the schema is nested more than {SCHEMA_DEPTH_MAX} deep; move parts to `$defs`")]
    TooDeep,
    /// A dialect that is not known.
    #[error(
        "`$schema` names the dialect {dialect}, which is not known; use https://json-schema.org/draft/2020-12/schema, \
         https://json-schema.org/draft/2019-09/schema or http://json-schema.org/draft-07/schema#, or leave it out"
    )]
    UnknownDialect {
        /// What `$schema` says, quoted.
        dialect: String,
    },
    /// A keyword that is refused.
    #[error("{path}: `{keyword}` is not supported here; {instead}")]
    UnsupportedKeyword {
        /// Where.
        path: String,
        /// The keyword.
        keyword: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A reference to another document.
    #[error(
        "{path}: the reference {reference} leaves the schema, and none is ever fetched; copy its target to `$defs`"
    )]
    RemoteReference {
        /// Where.
        path: String,
        /// What `$ref` says, quoted.
        reference: String,
    },
    /// A reference to nothing.
    #[error(
        "{path}: the reference {reference} leads to no schema; write `#/$defs/NAME` and define NAME there"
    )]
    UnresolvedReference {
        /// Where.
        path: String,
        /// What `$ref` says, quoted.
        reference: String,
    },
    /// A reference that leads back to its own value.
    #[error(
        "{path}: the references lead back here without entering a property or an item, so checking would not end"
    )]
    EndlessReference {
        /// Where.
        path: String,
    },
    /// Too many subschemas once references are expanded.
    #[error(
        "the schema has more than {EXPANDED_MAX} parts once its references are expanded (those beside `unevaluated…` count \
         three times, the options of an `enum` of mixed types one each); refer less often to what refers on"
    )]
    TooManyReferences,
    /// References lead too deep.
    #[error(
        "the schema is more than {EXPANDED_DEPTH_MAX} subschemas deep once its references are expanded; shorten the chain"
    )]
    ReferencesTooDeep,
    /// A regular expression is refused.
    #[error("{path}: {problem}")]
    Pattern {
        /// Where.
        path: String,
        /// Why.
        problem: PatternProblem,
    },
    /// A keyword has a value that its dialect does not allow.
    #[error("{path}: {expected}")]
    Invalid {
        /// Where.
        path: String,
        /// What the dialect wants there.
        expected: String,
    },
}

/// Why a regular expression is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternProblem {
    /// It looks ahead or behind, or refers back.
    NotRegular,
    /// Its text is too long.
    TooLong,
    /// The texts of all together are too long.
    TooMany,
    /// Compiled, it takes too much memory.
    TooLarge,
    /// It is no regular expression.
    Malformed,
}

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str(
                "the pattern uses look-around or a back-reference; patterns run in linear time here, which these do not \
                 allow: say it with two patterns in `allOf`, with `not`, or check it in the tool",
            ),
            Self::TooLong => write!(f, "the pattern is longer than {PATTERN_BYTES_MAX} bytes; split it with `allOf` or `anyOf`"),
            Self::TooMany => write!(f, "the patterns up to here are longer than {PATTERN_BYTES_TOTAL_MAX} bytes together; use fewer"),
            Self::TooLarge => write!(
                f,
                "the pattern takes more than {PATTERN_COMPILED_BYTES_MAX} bytes once compiled; use smaller repetition counts, \
                 or `maxLength` beside a plain pattern"
            ),
            Self::Malformed => f.write_str("the pattern is not a regular expression of ECMA-262"),
        }
    }
}
