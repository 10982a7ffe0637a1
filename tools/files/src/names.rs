//! Wildcards over file names: `*.md`. Not paths: a name has no `/`.
//!
//! Invariant: `*` is any run of characters, `?` any one, everything else is itself.

use regex::{Regex, RegexBuilder};
use toolgate_sdk::Failure;

/// Bytes of a compiled pattern: a fraction of a guest's memory.
pub(crate) const PATTERN_BYTES_MAX: usize = 2 << 20;

/// Which names to take; all of them without a pattern.
pub(crate) struct Names(Option<Regex>);

impl Names {
    /// Reads a wildcard pattern, ignoring letter case.
    pub(crate) fn read(wildcards: Option<&str>) -> Result<Self, Failure> {
        let Some(wildcards) = wildcards else { return Ok(Self(None)) };
        if wildcards.contains('/') {
            return Err(Failure::invalid_input(format!(
                "`name` matches file names, as `*.md`, and `{wildcards}` has a `/`: give the folder in `path`"
            )));
        }
        let pattern = regex::escape(wildcards).replace(r"\*", ".*").replace(r"\?", ".");
        RegexBuilder::new(&format!("^{pattern}$"))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map(|regex| Self(Some(regex)))
            .map_err(|_| Failure::invalid_input("`name` is too long for a pattern"))
    }

    /// True when the last part of `path` matches.
    pub(crate) fn take(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.0.as_ref().is_none_or(|regex| regex.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn takes(wildcards: &str, path: &str) -> bool {
        Names::read(Some(wildcards)).expect("wildcards").take(path)
    }

    #[test]
    fn wildcards_match_whole_names_and_nothing_else_is_special() {
        assert!(takes("*.md", "/desk/kb/Refunds.MD"));
        assert!(!takes("*.md", "/desk/kb/refunds.md.bak"));
        assert!(takes("page-?.html", "page-1.html"));
        assert!(!takes("page-?.html", "page-10.html"));
        assert!(!takes("a.c", "abc"));
        assert!(Names::read(None).expect("all").take("anything"));
    }

    #[test]
    fn a_folder_in_the_pattern_is_sent_to_path() {
        let failure = Names::read(Some("kb/*.md")).err().expect("a refusal");
        assert!(failure.message.contains("`path`"), "{failure}");
    }

    proptest! {
        #[test]
        fn a_name_without_wildcards_matches_itself(name in "[^/*?\u{0}]{1,40}") {
            prop_assert!(takes(&name, &name));
        }
    }
}
