//! `[host]`, checked, with defaults.

use super::count;
use crate::policy::compiled::HostSettings;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::{self, Cursor};
use std::path::PathBuf;

/// Proposals wait in memory, each as large as its arguments.
const QUEUE_MAX: u64 = 65_536;
const QUEUE: u64 = 256;
/// A principal is a key of the ledger and a label in reports.
const PRINCIPAL_CHARS_MAX: usize = 128;

pub(super) fn compile(
    section: Option<document::Host>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> HostSettings {
    let section = section.unwrap_or_default();
    let principal = section.principal.unwrap_or_else(|| "default".to_owned());
    let length = principal.chars().count();
    if !(1..=PRINCIPAL_CHARS_MAX).contains(&length) || principal.chars().any(char::is_control) {
        let place = cursor.key("principal").place();
        let expected = format!("1 to {PRINCIPAL_CHARS_MAX} characters, none of them a control character");
        let problem = Diagnostic::error("wrong_value", &place, "the principal cannot be used as a name");
        diagnostics.push(problem.expected(expected));
    }
    let concurrency_max = HostSettings::CONCURRENCY_MAX as u64;
    let concurrency = section
        .concurrency
        .map(|calls| count(Some(calls), 1, concurrency_max, (cursor, "concurrency"), diagnostics));
    let queue = count(section.queue, QUEUE, QUEUE_MAX, (cursor, "queue"), diagnostics);
    HostSettings {
        principal,
        ledger: host_path(section.ledger, ".toolgate/ledger.db", &cursor.key("ledger"), diagnostics),
        cache: host_path(section.cache, ".toolgate/cache", &cursor.key("cache"), diagnostics),
        concurrency: concurrency.map(to_usize),
        queue: to_usize(queue),
    }
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A path of the host as written; what cannot be one is an error.
pub(super) fn host_path(
    written: Option<String>,
    default: &str,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> PathBuf {
    let path = written.unwrap_or_else(|| default.to_owned());
    let problem = |message: &str| Diagnostic::error("bad_host_path", &cursor.place(), message);
    if path.is_empty() {
        diagnostics.push(problem("the path is empty").help("write `.` for this file's folder"));
    } else if path.contains('\0') {
        diagnostics.push(problem("the path holds a NUL character"));
    } else if path.starts_with('~') {
        let help = "`~` is not filled in: write `${HOME}`, or `./~` for a folder of that name";
        diagnostics.push(problem("the path begins with `~`").help(help));
    }
    PathBuf::from(path)
}
