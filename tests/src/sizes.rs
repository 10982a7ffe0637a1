//! The size of files as a test: short ones are read, long ones are scrolled.

use super::support::source::{Source, sources};

/// Lines of the longest file.
const LINES_MAX: usize = 600;
/// Lines of the host's file that nine in ten do not reach.
const HOST_LINES_P90_MAX: usize = 400;
/// Lines of the host's file in the middle.
const HOST_LINES_MEDIAN_MAX: usize = 200;

fn all() -> Vec<(String, Source)> {
    let folders = ["host", "sdk", "tools", "tests"];
    let named = |folder: &str| {
        sources(folder)
            .into_iter()
            .map(|source| (format!("{folder}/{}", source.name), source))
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = folders.into_iter().flat_map(named).collect();
    assert!(all.len() >= 200, "only {} files seen", all.len());
    all
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<_> = all()
        .into_iter()
        // What the macro must refuse is shown to the compiler as a user would write it.
        .filter(|(name, source)| !name.starts_with("sdk/tests/ui/") && !source.text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn no_file_is_over_600_lines() {
    let long: Vec<_> = all()
        .into_iter()
        .map(|(name, source)| (source.text.lines().count(), name))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn most_files_of_the_host_are_short() {
    let mut lines: Vec<usize> =
        sources("host/src").iter().map(|source| source.text.lines().count()).collect();
    lines.sort_unstable();
    let at = |percent: usize| lines[(lines.len() * percent).div_ceil(100).saturating_sub(1)];
    let (median, p90) = (at(50), at(90));
    assert!(
        median <= HOST_LINES_MEDIAN_MAX && p90 <= HOST_LINES_P90_MAX,
        "median {median}, p90 {p90} of {} files",
        lines.len()
    );
}
