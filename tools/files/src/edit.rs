//! `edit_file`: an exact piece of a file replaced by another. Not a pattern: every character counts.
//!
//! Invariant: nothing changes unless the piece is there once, or all its places are asked for.

use crate::put::put;
use crate::text;
use schemars::JsonSchema;
use serde::Serialize;
use toolgate_sdk::{Context, Failure, tool};

/// Line numbers told of a piece that is there several times.
const LINES_SHOWN_MAX: usize = 10;

/// What was changed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Edited {
    /// The file.
    path: String,
    /// How many places were changed.
    replacements: usize,
    /// The lines where the new text begins, from 1; the first ten.
    lines: Vec<usize>,
}

/// Replaces an exact piece of text in a file by another. The piece must be in the file exactly once, unless
/// `replace_all` is set. Read the file first, and copy the piece with its spaces and line ends.
#[tool(needs(fs))]
pub(crate) fn edit_file(
    cx: &Context,
    /// The file.
    path: String,
    /// The piece to replace, as it is in the file, with enough around it to be there only once.
    #[schemars(length(min = 1, max = 100_000))]
    old: String,
    /// What to put in its place; empty to remove it.
    #[schemars(length(max = 1_000_000))]
    new: String,
    /// Replace every place where `old` is.
    #[serde(default)]
    replace_all: bool,
) -> Result<Edited, Failure> {
    if old.is_empty() || old == new {
        return Err(Failure::invalid_input("`old` must not be empty, and `new` must differ from it"));
    }
    let content = text::read(&path).map_err(|error| error.about(&path))?;
    let places = content.matches(&old).count();
    if places == 0 {
        return Err(absent(&path, &content, &old));
    }
    if places > 1 && !replace_all {
        let lines = lines(&content, &old, &old).iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        return Err(Failure::invalid_input(format!(
            "`old` is in `{path}` {places} times (at lines {lines}): give more of the text around the one to change, \
             or set `replace_all`"
        )));
    }
    put(cx, &path, &content.replace(&old, &new))?;
    Ok(Edited { lines: lines(&content, &old, &new), path, replacements: places })
}

/// The lines at which `new` stands once it has replaced each `old`.
fn lines(content: &str, old: &str, new: &str) -> Vec<usize> {
    let breaks = |text: &str| text.matches('\n').count();
    let mut at = 1_usize;
    let mut lines = Vec::new();
    let mut between = content.split(old).peekable();
    while let Some(text) = between.next() {
        at = at.saturating_add(breaks(text));
        if between.peek().is_none() || lines.len() == LINES_SHOWN_MAX {
            break;
        }
        lines.push(at);
        at = at.saturating_add(breaks(new));
    }
    lines
}

/// Says how near the file comes to the piece that is not in it.
fn absent(path: &str, content: &str, old: &str) -> Failure {
    let hint = if content.replace("\r\n", "\n").contains(&old.replace("\r\n", "\n")) {
        "it differs only in line ends: the file's are \\r\\n".to_owned()
    } else if let Some(line) = alike(content, old) {
        format!("line {line} begins a piece that differs only in spaces: read it and copy it exactly")
    } else {
        "read the part of the file that you mean, and copy the piece exactly".to_owned()
    };
    Failure::conflict(format!("`old` is not in `{path}`, which may have changed; {hint}"))
}

/// The line at which the words of `old` stand, whatever the spaces between them.
fn alike(content: &str, old: &str) -> Option<usize> {
    let wanted: Vec<_> = old.split_whitespace().collect();
    let first = *wanted.first()?;
    let words: Vec<_> = content
        .lines()
        .zip(1_usize..)
        .flat_map(|(line, number)| line.split_whitespace().map(move |word| (number, word)))
        .collect();
    let mut starts = words.iter().enumerate().filter(|(_, (_, word))| *word == first);
    starts.find_map(|(index, (number, _))| {
        let here = words.iter().skip(index).take(wanted.len()).map(|(_, word)| word);
        here.eq(wanted.iter()).then_some(*number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::fs;
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    /// The answer, and the file afterwards.
    fn edit(content: &str, old: &str, new: &str, all: bool) -> (Result<Value, Failure>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.md");
        fs::write(&path, content).expect("a file");
        let arguments = json!({ "path": path, "old": old, "new": new, "replace_all": all }).to_string();
        let answer = call::<edit_file>(&FakeContext::new(), &arguments)
            .map(|answer| serde_json::from_str(&answer).expect("JSON"));
        (answer, fs::read_to_string(&path).expect("the file"))
    }

    fn refusal(content: &str, old: &str) -> Failure {
        let (answer, after) = edit(content, old, "something else", false);
        assert_eq!(after, content, "a refused edit changes nothing");
        answer.expect_err("a refusal")
    }

    #[test]
    fn a_piece_that_is_there_once_is_replaced() {
        let (answer, after) = edit("a\nb\nc\n", "b\n", "B\nB\n", false);
        let answer = answer.expect("an edit");
        assert_eq!((after.as_str(), &answer["replacements"]), ("a\nB\nB\nc\n", &json!(1)));
        assert_eq!(answer["lines"], json!([2]));
    }

    #[test]
    fn a_piece_that_is_there_several_times_needs_replace_all() {
        let failure = refusal("x\ny\nx\nx", "x");
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        assert!(failure.message.contains("3 times (at lines 1, 3, 4)"), "{failure}");
        let (answer, after) = edit("x\ny\nx\n", "x", "1\n2", true);
        assert_eq!((after.as_str(), &answer.expect("an edit")["lines"]), ("1\n2\ny\n1\n2\n", &json!([1, 4])));
    }

    #[test]
    fn a_piece_that_is_not_there_is_refused_with_how_near_it_comes() {
        assert_eq!(refusal("a\n", "b").kind, FailureKind::Conflict);
        assert!(refusal("one\r\ntwo\r\n", "one\ntwo").message.contains("line ends"));
        assert!(refusal("a\n  if x {\n    y\n", "if x {\n\ty").message.contains("line 2"));
        assert!(refusal("a\n", "b").message.contains("copy the piece"));
    }

    #[test]
    fn an_edit_that_changes_nothing_is_refused() {
        let (answer, _) = edit("a", "a", "a", false);
        assert_eq!(answer.expect_err("the same").kind, FailureKind::InvalidInput);
    }

    proptest! {
        #[test]
        fn an_edit_is_undone_by_its_opposite(before in "[a-z\n]{0,30}", after in "[a-z\n]{0,30}", new in "[A-Z\n]{1,9}") {
            let (answer, changed) = edit(&format!("{before}#{after}"), "#", &format!("<{new}>"), false);
            let line = answer.expect("an edit")["lines"][0].clone();
            prop_assert_eq!(line, json!(before.matches('\n').count() + 1));
            let (_, back) = edit(&changed, &format!("<{new}>"), "#", false);
            prop_assert_eq!(back, format!("{before}#{after}"));
        }
    }
}
