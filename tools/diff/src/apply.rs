//! `apply_patch`: a text and a unified diff to the changed text. Not fuzzy: context has to match.
//!
//! Invariant: all hunks are applied, or none.

use diffy::Patch;
use schemars::JsonSchema;
use serde::Serialize;
use toolgate_sdk::{Failure, tool};

/// A changed text.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Patched {
    /// The text after the patch.
    text: String,
    /// How many hunks were applied: all of them.
    hunks: usize,
}

/// Applies a unified diff of one file to a text and returns the changed text. All hunks are applied or
/// none. Get a diff from `diff_text`, or write one; for one small change, an exact replacement is simpler.
#[tool]
pub(crate) fn apply_patch(
    /// The text that the patch was made for.
    text: String,
    /// The unified diff: hunks that start with "@@ -LINE,COUNT +LINE,COUNT @@", then lines that start
    /// with a space (unchanged), - (removed) or + (added).
    patch: String,
) -> Result<Patched, Failure> {
    let parsed = Patch::from_str(&patch).map_err(|error| {
        Failure::invalid_input(format!(
            "`patch`: {error}; each hunk's header has to count its lines: @@ -LINE,OLD +LINE,NEW @@, where OLD counts the lines with a space or -, NEW those with a space or +"
        ))
    })?;
    if parsed.hunks().is_empty() {
        return Err(Failure::invalid_input(
            "`patch` has no hunk: give a unified diff with at least one line that starts with @@",
        ));
    }
    let text = diffy::apply(&text, &parsed).map_err(|error| {
        Failure::conflict(format!(
            "{error}: its unchanged and removed lines are not in the text as written. Nothing was applied; read the text again and make a new patch"
        ))
    })?;
    Ok(Patched { text, hunks: parsed.hunks().len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::diff_text;
    use proptest::prelude::*;
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    fn apply(text: &str, patch: &str) -> Result<Patched, Failure> {
        apply_patch(text.to_owned(), patch.to_owned())
    }

    #[test]
    fn a_patch_changes_the_text() {
        let patched = apply("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert_eq!(patched, Ok(Patched { text: "a\nc\n".to_owned(), hunks: 1 }));
    }

    #[test]
    fn a_patch_of_another_text_is_a_conflict_and_says_what_to_do() {
        let conflict = apply("x\ny\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n").expect_err("another text");
        assert_eq!(conflict.kind, FailureKind::Conflict);
        assert!(conflict.message.contains("#1") && conflict.message.contains("read the text again"));
    }

    #[test]
    fn a_header_that_counts_wrong_is_invalid_input_and_says_how_to_count() {
        let refusal = apply("a\nb\n", "@@ -1,5 +1,5 @@\n a\n-b\n+c\n").expect_err("wrong counts");
        assert_eq!(refusal.kind, FailureKind::InvalidInput);
        assert!(refusal.message.contains("OLD counts"), "{refusal}");
    }

    #[test]
    fn no_hunk_is_invalid_input() {
        for patch in ["", "hello", "--- a\n+++ b\n"] {
            assert_eq!(apply("a\n", patch).expect_err(patch).kind, FailureKind::InvalidInput);
        }
    }

    proptest! {
        #[test]
        fn a_diff_applied_to_the_old_text_gives_the_new(old in "[ab\n@+-]{0,60}", new in "[ab\n@+-]{0,60}") {
            let arguments = serde_json::json!({ "old": &old, "new": &new }).to_string();
            call::<diff_text>(&FakeContext::new(), &arguments).expect("a diff");
            let patch = diff_patch(&old, &new);
            if old != new {
                prop_assert_eq!(apply(&old, &patch).expect("its own diff").text, new);
            }
        }

        #[test]
        fn no_patch_makes_it_panic(text in ".{0,40}", patch in "[ -+@0-9,ab\n]{0,60}") {
            let _ = apply(&text, &patch);
        }
    }

    fn diff_patch(old: &str, new: &str) -> String {
        let answer = serde_json::to_value(diff_text(old.to_owned(), new.to_owned(), 3, 10_000));
        answer.expect("JSON")["diff"].as_str().expect("a diff").to_owned()
    }
}
