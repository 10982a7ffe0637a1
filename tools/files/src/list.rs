//! `list_files`: what a folder holds. Not the content of anything.
//!
//! Invariant: paths in the answer are ones that the other tools take.

use crate::missing;
use crate::names::Names;
use crate::walk::{Kind, Walk};
use schemars::JsonSchema;
use serde::Serialize;
use std::fs;
use toolgate_sdk::{Failure, tool};

/// Entries, when not chosen.
const LIMIT: usize = 200;

/// What a folder holds.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Listing {
    /// Parents before what is in them, names in order.
    entries: Vec<Listed>,
    /// True when there is more than `limit` allowed: list a folder of it, or with `name`.
    truncated: bool,
}

/// One file or folder.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Listed {
    /// For the other tools, as it is.
    path: String,
    /// What it is.
    kind: Kind,
    /// The size of a file.
    bytes: Option<u64>,
}

/// Lists the files and folders in a folder. Without `path` it lists the folders that you may use: start
/// with that when you do not know any path.
#[tool(needs(fs))]
pub(crate) fn list_files(
    /// The folder.
    path: Option<String>,
    /// Only names that match, with * for any characters and ? for any one: *.md
    #[schemars(length(max = 200))]
    name: Option<String>,
    /// How many levels to go down: 1 is the folder itself.
    #[serde(default = "depth")]
    #[schemars(range(min = 1, max = 20))]
    depth: usize,
    /// Also names that begin with a dot.
    #[serde(default)]
    hidden: bool,
    /// The most entries to return.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
) -> Result<Listing, Failure> {
    let names = Names::read(name.as_deref())?;
    let Some(path) = path else { return Ok(granted()) };
    if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
        return Err(Failure::invalid_input(format!("`{path}` is a file: read it with read_file")));
    }
    let mut walk = Walk::new(&path, depth, hidden).map_err(|error| missing::unreadable(&path, &error))?;
    let mut found = walk.by_ref().filter(|entry| names.take(&entry.path));
    let entries: Vec<_> = found.by_ref().take(limit).map(|entry| listed(entry.path, entry.kind)).collect();
    let more = found.next().is_some();
    Ok(Listing { entries, truncated: more || !walk.incomplete.is_empty() })
}

fn depth() -> usize {
    1
}

fn limit() -> usize {
    LIMIT
}

fn granted() -> Listing {
    let entries = missing::granted().into_iter().map(|path| listed(path, Kind::Folder)).collect();
    Listing { entries, truncated: false }
}

fn listed(path: String, kind: Kind) -> Listed {
    let bytes = match kind {
        Kind::File => fs::metadata(&path).ok().map(|metadata| metadata.len()),
        Kind::Folder | Kind::Other => None,
    };
    Listed { path, kind, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    fn tree() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("kb/old")).expect("folders");
        for (name, text) in [("b.csv", "1,2"), ("kb/a.md", "hello"), ("kb/old/c.md", ""), (".secret", "x")] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    fn list(folder: &TempDir, more: &Value) -> Value {
        let mut arguments = json!({ "path": folder.path() });
        for (key, value) in more.as_object().expect("arguments") {
            arguments[key] = value.clone();
        }
        let answer = call::<list_files>(&FakeContext::new(), &arguments.to_string()).expect("a listing");
        let answer = answer.replace(folder.path().to_str().expect("UTF-8"), "");
        serde_json::from_str(&answer).expect("JSON")
    }

    fn paths(answer: &Value) -> Vec<&str> {
        answer["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|entry| entry["path"].as_str())
            .collect()
    }

    #[test]
    fn a_folder_is_listed_with_kinds_and_sizes() {
        let answer = list(&tree(), &json!({}));
        let expected = json!({
            "entries": [
                { "path": "/b.csv", "kind": "file", "bytes": 3 },
                { "path": "/kb", "kind": "folder", "bytes": null },
            ],
            "truncated": false,
        });
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_tree_is_listed_parents_first_and_hidden_names_on_request() {
        let answer = list(&tree(), &json!({ "depth": 3, "hidden": true }));
        assert_eq!(paths(&answer), ["/.secret", "/b.csv", "/kb", "/kb/a.md", "/kb/old", "/kb/old/c.md"]);
        let answer = list(&tree(), &json!({ "depth": 2, "name": "*.md" }));
        assert_eq!(paths(&answer), ["/kb/a.md"]);
    }

    #[test]
    fn a_listing_beyond_the_limit_is_cut_and_says_so() {
        let answer = list(&tree(), &json!({ "limit": 1 }));
        assert_eq!((paths(&answer).len(), &answer["truncated"]), (1, &json!(true)));
        let answer = list(&tree(), &json!({ "limit": 2 }));
        assert_eq!((paths(&answer).len(), &answer["truncated"]), (2, &json!(false)));
    }

    #[test]
    fn without_a_path_the_granted_folders_are_listed() {
        let answer = call::<list_files>(&FakeContext::new(), "{}").expect("the folders");
        assert_eq!(answer, r#"{"entries":[{"path":".","kind":"folder","bytes":null}],"truncated":false}"#);
    }

    #[test]
    fn a_file_is_sent_to_read_file_and_a_missing_folder_to_its_neighbor() {
        let folder = tree();
        let refused = |name: &str| {
            let arguments = json!({ "path": folder.path().join(name) }).to_string();
            call::<list_files>(&FakeContext::new(), &arguments).expect_err(name)
        };
        assert!(refused("b.csv").message.contains("read_file"));
        assert_eq!(refused("kbs").kind, FailureKind::NotFound);
        assert!(refused("kb/odl").message.contains("kb/old`?"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_listed_and_not_followed() {
        let folder = tree();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).expect("a link");
        let answer = list(&folder, &json!({ "depth": 20 }));
        assert!(paths(&answer).contains(&"/loop"));
        assert_eq!(paths(&answer).len(), 6);
    }
}
