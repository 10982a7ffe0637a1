//! `write_file`: a whole text into a file. Not a change of part of one: that is `edit`.
//!
//! Invariant: the file holds the text afterwards, or what it held before.

use crate::missing;
use crate::put::put;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs;
use std::path::Path;
use toolgate_sdk::{Context, Failure, tool};

/// What was written.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Written {
    /// The file.
    path: String,
    /// Its size now.
    bytes: usize,
    /// True when a file was there before and is replaced.
    replaced: bool,
}

/// Writes a text file, whole: a new one, or in the place of the one that is there. Folders on the way are
/// made. To change a part of a file, use edit_file instead.
#[tool(needs(fs))]
pub(crate) fn write_file(
    cx: &Context,
    /// The file.
    path: String,
    /// All of its text.
    #[schemars(length(max = 1_000_000))]
    text: String,
    /// Fail when the file is there already, instead of replacing it.
    #[serde(default)]
    only_new: bool,
) -> Result<Written, Failure> {
    let target = Path::new(&path);
    let replaced = fs::symlink_metadata(target).is_ok();
    if replaced && only_new {
        return Err(Failure::conflict(format!(
            "`{path}` is there already, and `only_new` is set: choose another name, or read it and use edit_file"
        )));
    }
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        fs::create_dir_all(folder).map_err(|error| missing::unwritable(&path, &error))?;
    }
    put(cx, &path, &text)?;
    Ok(Written { path, bytes: text.len(), replaced })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    fn write(path: &Path, text: &str, only_new: bool) -> Result<Value, Failure> {
        let arguments = json!({ "path": path, "text": text, "only_new": only_new }).to_string();
        let answer = call::<write_file>(&FakeContext::new(), &arguments)?;
        Ok(serde_json::from_str(&answer).expect("JSON"))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    #[test]
    fn a_file_is_written_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("drafts/reply.md");
        assert_eq!(write(&path, "Dear", false).expect("new")["replaced"], false);
        let answer = write(&path, "Dear Ana é", false).expect("replaced");
        assert_eq!((&answer["replaced"], &answer["bytes"]), (&json!(true), &json!(11)));
        assert_eq!(fs::read_to_string(&path).expect("the file"), "Dear Ana é");
        assert_eq!(names(&folder.path().join("drafts")), ["reply.md"]);
    }

    #[test]
    fn only_new_keeps_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.md");
        write(&path, "first", true).expect("new");
        assert_eq!(write(&path, "second", true).expect_err("there").kind, FailureKind::Conflict);
        assert_eq!(fs::read_to_string(&path).expect("the file"), "first");
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(write(folder.path(), "x", false).expect_err("a folder").message.contains("is a folder"));
        let slash = folder.path().join("a/");
        assert!(write(&slash, "x", false).expect_err("no name").message.contains("names no file"));
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let too_long = folder.path().join("n".repeat(300));
        assert_eq!(
            write(&too_long, "x", false).expect_err("a name of 300 bytes").kind,
            FailureKind::InvalidInput
        );
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_a_conflict() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), "").expect("a file");
        let failure = write(&folder.path().join("a/b.md"), "x", false).expect_err("no folder");
        assert_eq!(failure.kind, FailureKind::Conflict, "{failure}");
        assert_eq!(names(folder.path()), ["a"]);
    }
}
