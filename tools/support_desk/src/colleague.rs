//! `wait_for_colleague`: the answer of a person who was asked about a ticket. Not asking: that is said aloud.
//!
//! Invariant: it reads and never writes; it ends when the answer is there, or with its deadline.

use crate::{DESK, waiting};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;
use toolgate_sdk::{Context, Failure, tool};

/// A colleague's answer.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Answered {
    ticket_id: String,
    text: String,
}

/// Waits until a colleague has answered a question about a ticket, and gives the answer. It may take minutes.
#[tool(needs(fs, clock))]
pub(crate) fn wait_for_colleague(
    cx: &Context,
    /// As T-1.
    #[schemars(regex(pattern = "^T-[0-9]{1,4}$"))]
    ticket_id: String,
) -> Result<Answered, Failure> {
    answered(&Path::new(DESK).join("answers"), cx, ticket_id)
}

fn answered(answers: &Path, cx: &Context, ticket_id: String) -> Result<Answered, Failure> {
    let still =
        |seconds: u32| cx.progress(f64::from(seconds), None, Some("the colleague has not answered yet"));
    let text = waiting::for_text(&answers.join(format!("{ticket_id}.md")), still);
    let text = text.map_err(|_| Failure::unavailable("the colleague's answer cannot be read"))?;
    Ok(Answered { ticket_id, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_sdk::testing::FakeContext;

    #[test]
    fn an_answer_that_is_there_is_given_at_once() {
        let cx = FakeContext::new();
        let answers = tempfile::tempdir().expect("a folder");
        std::fs::write(answers.path().join("T-4.md"), "Yes, two years.").expect("an answer");
        let answered = answered(answers.path(), &cx, "T-4".to_owned()).expect("an answer");
        assert_eq!(answered.text, "Yes, two years.");
        assert!(cx.progress_reports().is_empty());
    }
}
