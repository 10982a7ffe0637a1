//! The smallest tool: gives back what it is given. Not a way to show the user anything.
//!
//! Invariant: the answer's text is the argument's, byte for byte.

use schemars::JsonSchema;
use serde::Serialize;

/// What was given.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Echo {
    /// The text, unchanged.
    pub text: String,
}

/// Returns the text unchanged. Use it to check that tools can be called.
#[toolgate_sdk::tool]
pub fn echo(text: String) -> Echo {
    Echo { text }
}

toolgate_sdk::component!(echo);

#[cfg(test)]
mod tests {
    use toolgate_sdk::testing::{self, FakeContext};

    #[test]
    fn the_text_comes_back_unchanged() {
        let answer = testing::call::<super::echo>(&FakeContext::new(), r#"{"text":"héllo\n"}"#);
        assert_eq!(answer.as_deref(), Ok(r#"{"text":"héllo\n"}"#));
    }
}
