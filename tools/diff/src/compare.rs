//! `diff_text`: what changed between two texts. Not a merge.
//!
//! Invariant: a diff is cut only between hunks, so that what is given can be applied.

use diffy::{DiffOptions, Line, Patch, PatchFormatter};
use schemars::JsonSchema;
use serde::Serialize;
use toolgate_sdk::tool;

/// Lines around a change, when not chosen.
const CONTEXT_LINES: usize = 3;

/// Lines of a diff, when not chosen: some 20,000 tokens at most.
const LIMIT_LINES: usize = 1_000;

/// What changed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Diff {
    /// The unified diff; empty when the texts are equal.
    diff: String,
    /// Lines that only the new text has.
    added: usize,
    /// Lines that only the old text has.
    removed: usize,
    /// Changes that were left out because of `limit`, counted in hunks. 0: the diff is complete.
    hunks_left_out: usize,
}

/// Compares two texts line by line and returns a unified diff. Use it to see or to show exactly what
/// changed. `apply_patch` takes such a diff.
#[tool]
pub(crate) fn diff_text(
    /// The text before.
    old: String,
    /// The text after.
    new: String,
    /// How many unchanged lines to show around each change.
    #[serde(default = "context_lines")]
    #[schemars(range(max = 100))]
    context_lines: usize,
    /// The most lines of diff to return; whole hunks beyond it are left out and counted.
    #[serde(default = "limit_lines")]
    #[schemars(range(min = 1, max = 10000))]
    limit: usize,
) -> Diff {
    let mut options = DiffOptions::new();
    options.set_context_len(context_lines);
    let patch = options.create_patch(&old, &new);
    let lines = || patch.hunks().iter().flat_map(|hunk| hunk.lines());
    let (diff, hunks_left_out) = within(&patch, limit);
    Diff {
        diff,
        added: lines().filter(|line| matches!(line, Line::Insert(_))).count(),
        removed: lines().filter(|line| matches!(line, Line::Delete(_))).count(),
        hunks_left_out,
    }
}

fn context_lines() -> usize {
    CONTEXT_LINES
}

fn limit_lines() -> usize {
    LIMIT_LINES
}

/// As many whole hunks as fit, with the file header, and how many do not.
fn within(patch: &Patch<'_, str>, limit: usize) -> (String, usize) {
    if patch.hunks().is_empty() {
        return (String::new(), 0);
    }
    let mut lines = 0_usize;
    let kept = patch
        .hunks()
        .iter()
        .take_while(|hunk| {
            lines = lines.saturating_add(hunk.lines().len()).saturating_add(1);
            lines <= limit
        })
        .count();
    let text = PatchFormatter::new().fmt_patch(patch).to_string();
    let left_out = patch.hunks().len().saturating_sub(kept);
    if left_out == 0 {
        return (text, 0);
    }
    (first_hunks(&text, kept), left_out)
}

/// A hunk starts at a line with `@@`: every other line of a diff starts with another character.
fn first_hunks(text: &str, kept: usize) -> String {
    let mut hunks = 0_usize;
    text.split_inclusive('\n')
        .take_while(|line| {
            hunks = hunks.saturating_add(usize::from(line.starts_with("@@")));
            hunks <= kept
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str, limit: usize) -> Diff {
        diff_text(old.to_owned(), new.to_owned(), 3, limit)
    }

    #[test]
    fn equal_texts_have_an_empty_diff() {
        let nothing = Diff { diff: String::new(), added: 0, removed: 0, hunks_left_out: 0 };
        assert_eq!(diff("a\n", "a\n", 10), nothing);
    }

    #[test]
    fn a_change_is_shown_with_its_context_and_counted() {
        let change = diff("a\nb\nc\n", "a\nB\nc\nd\n", 100);
        assert_eq!(change.diff, "--- original\n+++ modified\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n");
        assert_eq!((change.added, change.removed, change.hunks_left_out), (2, 1, 0));
    }

    #[test]
    fn beyond_the_limit_whole_hunks_are_left_out_and_counted() {
        let old: String = (0..100).map(|n| format!("{n}\n")).collect();
        let new = old.replace("10\n", "ten\n").replace("50\n", "fifty\n").replace("90\n", "ninety\n");
        let all = diff(&old, &new, 1_000);
        assert_eq!(all.hunks_left_out, 0);
        let one = diff(&old, &new, 9);
        assert_eq!(one.hunks_left_out, 2);
        assert!(all.diff.starts_with(&one.diff) && one.diff.contains("+ten\n"));
        assert!(!one.diff.contains("fifty"));
        assert_eq!((one.added, one.removed), (3, 3));
        assert_eq!(diff(&old, &new, 8).hunks_left_out, 3);
    }

    #[test]
    fn a_line_that_looks_like_a_hunk_is_no_hunk() {
        let change = diff("@@ x\ny\n", "@@ x\nz\n", 100);
        assert_eq!(change.hunks_left_out, 0);
        assert!(change.diff.contains("\n @@ x\n"));
    }
}
