//! `[tools.NAME.grants]`, checked, with defaults.
//!
//! Only what the text can tell: links and what really is a folder are for the sandbox's fs grants.

use super::count;
use super::host::host_path;
use super::limits::size;
use crate::policy::compiled::{Access, FsGrant, Grants};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::units::Bytes;
use crate::policy::document::{self, Cursor};
use crate::policy::paths::nested;
use std::collections::BTreeMap;
use std::path::Path;

const BYTES: Bytes = Bytes(16 << 20);
/// A tebibyte: a quota above the disk is no quota.
const BYTES_MAX: Bytes = Bytes(1 << 40);
const FILES: u64 = 100;
const FILES_MAX: u64 = 1_000_000;
/// Each folder is held open while a call runs, and they are compared in pairs.
const FOLDERS_MAX: usize = 64;

pub(super) fn compile(
    section: Option<document::Grants>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Grants {
    let section = section.unwrap_or_default();
    let mut fs: Vec<FsGrant> = Vec::new();
    if section.fs.len() > FOLDERS_MAX {
        let message = format!("one tool is granted {} folders", section.fs.len());
        let problem = Diagnostic::error("too_large", &cursor.key("fs").place(), message);
        diagnostics.push(problem.expected(format!("at most {FOLDERS_MAX}")));
    }
    for (index, written) in section.fs.into_iter().take(FOLDERS_MAX).enumerate() {
        let at = cursor.key("fs").item(index);
        let grant = folder(written, &at, diagnostics);
        for (before, earlier) in fs.iter().enumerate() {
            overlap(&grant, earlier, before, &at, diagnostics);
        }
        fs.push(grant);
    }
    check_env(&section.env, &cursor.key("env"), diagnostics);
    Grants { fs, env: section.env, clock: section.clock, random: section.random, log: section.log }
}

fn folder(written: document::Fs, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) -> FsGrant {
    let access = written.access.unwrap_or(Access::Read);
    let host = host_path(Some(written.host), "", &cursor.key("host"), diagnostics);
    if let Err(help) = check_guest(&written.guest) {
        let place = cursor.key("guest").place();
        let message = "the guest path is not a plain absolute path";
        let problem = Diagnostic::error("bad_guest_path", &place, message);
        let expected = "a path such as `/work`: absolute, `/`-separated, without `.` or `..`";
        diagnostics.push(problem.found(format!("`{}`", written.guest)).expected(expected).help(help));
    }
    if access == Access::Read {
        let quotas = [("bytes_max", written.bytes_max.is_some()), ("files_max", written.files_max.is_some())];
        for (key, _) in quotas.into_iter().filter(|(_, is_written)| *is_written) {
            let message = format!("`{key}` counts nothing, because the folder is only read");
            let problem = Diagnostic::warning("unused_key", &cursor.name(key).place(), message);
            diagnostics.push(problem.help("take it out, or write `access = \"read-write\"`"));
        }
        return FsGrant { host, guest: written.guest, access, bytes_max: 0, files_max: 0 };
    }
    FsGrant {
        host,
        guest: written.guest,
        access,
        bytes_max: size(written.bytes_max, BYTES, BYTES_MAX, (cursor, "bytes_max"), diagnostics),
        files_max: count(written.files_max, FILES, FILES_MAX, (cursor, "files_max"), diagnostics),
    }
}

fn check_guest(path: &str) -> Result<(), String> {
    if path.contains(['\\', '\0']) {
        return Err("take out the backslash or NUL".to_owned());
    }
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let (is_absolute, rest) = match path.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, path),
    };
    if is_absolute && (rest.is_empty() || rest.split('/').all(is_plain)) {
        return Ok(());
    }
    let plain: Vec<&str> = rest.split('/').filter(|part| is_plain(part)).collect();
    Err(format!("write `/{}`", plain.join("/")))
}

fn overlap(
    grant: &FsGrant,
    earlier: &FsGrant,
    index: usize,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) {
    if nested(Path::new(&grant.guest), Path::new(&earlier.guest)) {
        let message = format!("the guest path overlaps that of `fs[{index}]`, `{}`", earlier.guest);
        let problem = Diagnostic::error("overlapping_grants", &cursor.key("guest").place(), message);
        diagnostics.push(problem.help("give each folder a guest path of its own"));
    }
    let writable = [grant, earlier].iter().any(|one| one.access == Access::ReadWrite);
    if writable && nested(&grant.host, &earlier.host) {
        let message = format!("the folder overlaps that of `fs[{index}]`, and one of the two is writable");
        let problem = Diagnostic::error("overlapping_grants", &cursor.key("host").place(), message);
        let help = "grant one of them, or two folders of which none contains the other";
        diagnostics.push(problem.found(format!("`{}`", grant.host.display())).help(help));
    }
}

fn check_env(env: &BTreeMap<String, String>, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) {
            let place = cursor.name(name).place();
            let message = format!("`{}` is not the name of a variable", name.escape_debug());
            diagnostics.push(Diagnostic::error("bad_env", &place, message));
        }
        if value.contains('\0') {
            let place = cursor.key(name).place();
            diagnostics.push(Diagnostic::error("bad_env", &place, "the value holds a NUL character"));
        }
    }
}
