//! A path as a guest writes it, reduced to plain names beneath the folder it starts from.
//!
//! Pure text: nothing is looked up here. Invariant: no name is empty, `.`, `..`, or holds `/` or NUL, so
//! the file system never sees a step up, an absolute path or a trailing slash.

use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// Longest path that is read, in bytes (Linux `PATH_MAX`).
pub(super) const PATH_BYTES_MAX: usize = 4096;

/// Most names in one path; each costs an open.
pub(super) const NAMES_MAX: usize = 128;

/// Plain names, and whether the path demands a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GuestPath<'a> {
    names: Vec<&'a str>,
    folder: bool,
}

impl<'a> GuestPath<'a> {
    /// Reads a guest's path. `a/..` cancels out on paper, whatever `a` is or is not: since no link is ever
    /// followed, it can only mean the folder that it started from.
    ///
    /// # Errors
    /// `no-entry` for every path that cannot lead beneath its folder (empty, absolute, with NUL, or
    /// stepping above it): the same as for a missing file. `name-too-long` past the limits.
    pub(super) fn parse(text: &'a str) -> Result<Self, ErrorCode> {
        if text.len() > PATH_BYTES_MAX {
            return Err(ErrorCode::NameTooLong);
        }
        if text.is_empty() || text.starts_with('/') || text.contains('\0') {
            return Err(ErrorCode::NoEntry);
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop().ok_or(ErrorCode::NoEntry)?;
                }
                name => names.push(name),
            }
        }
        if names.len() > NAMES_MAX {
            return Err(ErrorCode::NameTooLong);
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        let folder = matches!(last, "" | "." | "..");
        Ok(Self { names, folder })
    }

    /// The folders on the way, outermost first.
    pub(super) fn folders(&self) -> &[&'a str] {
        self.names.split_last().map_or(&[], |(_, folders)| folders)
    }

    /// The last name; `.` when the path is its own starting folder.
    pub(super) fn last(&self) -> &'a str {
        self.names.last().copied().unwrap_or(".")
    }

    /// True when the path ends in a slash or a dot: only a folder will do.
    pub(super) fn demands_folder(&self) -> bool {
        self.folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(text: &str) -> Vec<&str> {
        GuestPath::parse(text).unwrap().names
    }

    #[test]
    fn dots_and_repeated_slashes_vanish() {
        assert_eq!(names("./a//b/./c"), ["a", "b", "c"]);
        assert_eq!(names("a/../b"), ["b"]);
        assert_eq!(names("."), Vec::<&str>::new());
        assert_eq!(GuestPath::parse(".").unwrap().last(), ".");
    }

    #[test]
    fn a_trailing_slash_demands_a_folder() {
        for text in ["a/", "a/.", "a/b/..", "."] {
            assert!(GuestPath::parse(text).unwrap().demands_folder(), "{text}");
        }
        assert!(!GuestPath::parse("a").unwrap().demands_folder());
    }

    #[test]
    fn whatever_leads_out_looks_like_a_missing_file() {
        for text in ["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/../..", "./..", "a\0b"] {
            assert_eq!(GuestPath::parse(text), Err(ErrorCode::NoEntry), "{text:?}");
        }
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        assert!(GuestPath::parse(&"a".repeat(PATH_BYTES_MAX)).is_ok());
        assert_eq!(GuestPath::parse(&"a".repeat(PATH_BYTES_MAX + 1)), Err(ErrorCode::NameTooLong));
        assert!(GuestPath::parse(&["a"; NAMES_MAX].join("/")).is_ok());
        assert_eq!(GuestPath::parse(&["a"; NAMES_MAX + 1].join("/")), Err(ErrorCode::NameTooLong));
    }

    proptest! {
        #[test]
        fn no_step_up_survives(text in "(\\.|\\.\\.|/|a|b\u{0}?|\\\\|é){0,24}") {
            if let Ok(path) = GuestPath::parse(&text) {
                for name in &path.names {
                    prop_assert!(!matches!(*name, "" | "." | ".."));
                    prop_assert!(!name.contains(['/', '\0']));
                }
            }
        }
    }
}
