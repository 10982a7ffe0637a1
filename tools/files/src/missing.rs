//! What to tell the model about a path that leads nowhere. Not a way to learn more: everything said here
//! comes from folders that the tool may list.
//!
//! Invariant: a missing path and a refused one get the same sentence.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use toolgate_sdk::Failure;

/// Names shown of a folder.
const NAMES_SHOWN_MAX: usize = 12;

/// Names read of a folder, looking for the one that was meant.
const NAMES_READ_MAX: usize = 2_000;

/// The failure of reading `path`.
pub(crate) fn unreadable(path: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory => {
            Failure::not_found(format!("there is no `{path}` that this tool can reach; {}", instead(path)))
        }
        _ => about(path, error),
    }
}

/// The failure of writing `path`.
pub(crate) fn unwritable(path: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Failure::capability_denied(format!(
                "`{path}` cannot be written by this tool: it may be outside the granted folders, or in one that is \
             only for reading; {}. Do not retry with the same path",
                granted_sentence()
            ))
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Failure::conflict(format!("`{path}` cannot be written: a part of it is a file and not a folder"))
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Failure::conflict(format!(
            "`{path}` was not written: the granted space or number of files is used up; write less, or to a file \
             that is there already"
        )),
        _ => about(path, error),
    }
}

/// The folders that were granted, as paths: what the standard library cannot say.
#[cfg(target_family = "wasm")]
pub(crate) fn granted() -> Vec<String> {
    wasip2::filesystem::preopens::get_directories().into_iter().map(|(_, path)| path).collect()
}

/// In a native test everything is reachable: the current folder stands in.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn granted() -> Vec<String> {
    vec![".".to_owned()]
}

fn about(path: &str, error: &io::Error) -> Failure {
    let mut failure = Failure::from(io::Error::from(error.kind()));
    failure.message = format!("`{path}`: {error}");
    failure
}

/// The nearest thing to `path` that exists: goes up until a folder can be listed.
fn instead(path: &str) -> String {
    let mut missing = Path::new(path);
    while let Some(parent) = missing.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        if let (Some(mut names), Some(name)) =
            (names(parent), missing.file_name().and_then(|name| name.to_str()))
        {
            // A file that is listed and cannot be reached, such as a FIFO, is no answer to a question about it.
            if missing == Path::new(path) && !path.ends_with('/') {
                names.retain(|other| other != name);
            }
            return match nearest(name, &names) {
                Some(near) => format!("did you mean `{}`?", parent.join(near).display()),
                None => holds(parent, &names),
            };
        }
        missing = parent;
    }
    granted_sentence()
}

fn granted_sentence() -> String {
    let folders = granted();
    match folders.as_slice() {
        [] => "no folder is granted to it: other paths will not work either".to_owned(),
        folders => format!("the folders that it can use: {}", quoted(folders)),
    }
}

fn holds(folder: &Path, names: &[String]) -> String {
    let folder = folder.display();
    let shown = quoted(names.get(..NAMES_SHOWN_MAX).unwrap_or(names));
    match names.len().saturating_sub(NAMES_SHOWN_MAX) {
        _ if names.is_empty() => format!("`{folder}` holds nothing that could be meant instead"),
        0 => format!("`{folder}` holds {shown}"),
        more => format!("`{folder}` holds {shown} and {more} more: list it with list_files"),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The names in a folder, sorted; none when it cannot be listed.
fn names(folder: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(folder).ok()?.take(NAMES_READ_MAX).flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Some(names)
}

/// The name that a slip explains: at most one changed, missing or swapped character in three.
fn nearest<'n>(name: &str, names: &'n [String]) -> Option<&'n str> {
    let wanted = name.to_lowercase();
    let distance = |other: &str| strsim::osa_distance(&wanted, &other.to_lowercase());
    let near = names.iter().map(|other| (distance(other), other.as_str())).min()?;
    Some(near)
        .filter(|(distance, other)| distance.saturating_mul(3) <= other.chars().count())
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_sdk::FailureKind;

    fn told(path: &Path) -> String {
        unreadable(path.to_str().expect("UTF-8"), &ErrorKind::NotFound.into()).message
    }

    #[test]
    fn a_slip_in_a_name_is_answered_with_the_name() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tickets.csv"), "").expect("a file");
        let said = told(&folder.path().join("Tikets.csv"));
        assert!(said.contains("did you mean") && said.contains("tickets.csv"), "{said}");
        let said = told(&folder.path().join("invoices.json"));
        assert!(said.contains("holds `tickets.csv`"), "{said}");
    }

    #[test]
    fn what_is_listed_and_cannot_be_reached_is_not_suggested_instead_of_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("fifo.csv"), "").expect("a file");
        let said = told(&folder.path().join("fifo.csv"));
        assert!(
            !said.contains("did you mean") && said.ends_with("holds nothing that could be meant instead"),
            "{said}"
        );
        fs::write(folder.path().join("tickets.md"), "").expect("a file");
        let said = told(&folder.path().join("fifo.csv"));
        assert!(said.ends_with("holds `tickets.md`"), "{said}");
        let said = told(&folder.path().join("fifo.csv/"));
        assert!(said.ends_with("fifo.csv`?"), "without the slash it is another path: {said}");
    }

    #[test]
    fn a_slip_in_a_folder_is_found_on_the_way_up() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("reports")).expect("a folder");
        let said = told(&folder.path().join("report/2026/may.md"));
        assert!(said.ends_with("reports`?"), "{said}");
    }

    #[test]
    fn a_path_outside_everything_is_answered_with_the_granted_folders() {
        let said = told(Path::new("kb"));
        assert!(said.contains("the folders that it can use: `.`"), "{said}");
    }

    #[test]
    fn a_missing_path_and_a_refused_one_read_the_same() {
        let failures = [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::NotADirectory]
            .map(|kind| unreadable("/nowhere/at/all", &kind.into()));
        assert!(failures.iter().all(|failure| *failure == failures[0]));
        assert_eq!(failures[0].kind, FailureKind::NotFound);
        let failures = [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem]
            .map(|kind| unwritable("/nowhere/at/all", &kind.into()));
        assert!(failures.iter().all(|failure| *failure == failures[0]));
        assert_eq!(failures[0].kind, FailureKind::CapabilityDenied);
    }

    #[test]
    fn a_long_folder_is_shown_in_part() {
        let names: Vec<_> = (0..20).map(|n| format!("page-{n:02}.md")).collect();
        let said = holds(Path::new("kb"), &names);
        assert!(said.contains("`page-11.md` and 8 more") && !said.contains("page-12"), "{said}");
    }
}
