//! A FIFO without a writer in the place of a file that is read: opening one waits for ever.
//!
//! Not here: FIFOs that a guest opens (`hostile/files`). Invariant: what hangs fails its test, and holds up no other.

use crate::support::PATIENCE;
use crate::support::binary::toolgate;
use crate::support::gate::TestGate;
use rustix::fs::{CWD, Mode, mkfifoat};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use tempfile::TempDir;
use toolgate::catalog::{Cache, Entry, read};
use toolgate::control::{Target, path_beside, switches, unkill};
use toolgate::opening::load_policy;

fn fifo_at(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("a FIFO");
}

fn fifo() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fifo");
    fifo_at(&path);
    (folder, path)
}

/// What `work` gives, if it ever does.
#[track_caller]
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("it waits for no writer")
}

fn says<T>(result: Result<T, impl std::error::Error>) -> String {
    result.err().expect("it is refused").to_string()
}

#[test]
fn a_component_a_policy_or_its_cases_that_are_a_fifo_are_refused() {
    let (folder, path) = fifo();
    let component = path.clone();
    let said = in_time(move || says(read(&component)));
    assert!(said.contains("not a regular file") && said.contains("fifo"), "{said}");
    let said = in_time(move || says(load_policy(&path)));
    assert!(said.contains("not a regular file") && said.contains("fifo"), "{said}");
    std::fs::write(folder.path().join("toolgate.toml"), "").expect("a policy");
    fifo_at(&folder.path().join("toolgate.cases.toml"));
    let ran = in_time(move || toolgate(folder.path(), ["check", "--text-only"])).code(2);
    assert!(ran.err.contains("toolgate.cases.toml: not a regular file"), "{}", ran.err);
}

#[test]
fn a_cache_whose_key_is_a_fifo_does_not_open_and_an_entry_that_is_one_is_no_entry() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    let open = |folder: &Path| Cache::open(folder, "here".to_owned());
    let cache = open(&folder).expect("the cache opens");
    let digest = [7; 32];
    cache.write(&digest, &Entry { definitions: Vec::new(), code: b"code".to_vec() }).expect("it writes");
    let entry = std::fs::read_dir(&folder).expect("readable").next().expect("an entry").expect("readable");
    std::fs::remove_file(entry.path()).expect("removed");
    fifo_at(&entry.path());
    assert!(in_time(move || cache.read(&digest).is_none()));

    let key = folder.with_extension("key");
    std::fs::remove_file(&key).expect("removed");
    fifo_at(&key);
    let said = in_time(move || says(open(&folder).map(drop)));
    assert!(said.contains("cache.key: not a regular file"), "{said}");
}

#[test]
fn a_control_database_that_is_a_fifo_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = path_beside(&folder.path().join("ledger.db"));
    fifo_at(&path);
    let said = in_time(move || [says(switches(&path)), says(unkill(&path, &Target::All))]);
    assert!(said.iter().all(|said| said.contains("not a regular file")), "{said:?}");
}

#[test]
fn an_approvers_key_that_is_a_fifo_is_refused() {
    let test = TestGate::new();
    test.policy();
    fifo_at(&test.path("approver.key"));
    let ran =
        in_time(move || toolgate(&test.path(""), ["approve", "apr_1", "--key", "approver.key"])).code(2);
    assert!(ran.err.contains("approver.key: not a regular file"), "{}", ran.err);
}

#[test]
fn a_policy_that_is_not_utf_8_says_which_line_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("toolgate.toml");
    let utf_16: Vec<u8> = "\u{feff}[host]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, line) in [(b"# one\n# two \xe9\n".to_vec(), 2), (utf_16, 1)] {
        std::fs::write(&path, bytes).expect("a policy");
        let ran = toolgate(folder.path(), ["check"]).code(2);
        let says = format!("line {line} is not UTF-8; save the file as UTF-8");
        assert!(ran.err.contains("toolgate.toml") && ran.err.contains(&says), "{}", ran.err);
    }
}

#[test]
fn a_policy_whose_cap_falls_into_a_character_is_called_too_long_and_not_something_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("toolgate.toml");
    for before in 1..=4 {
        let text =
            format!("{}{}", "#".repeat(before), "€".repeat(toolgate::policy::POLICY_BYTES_MAX / 3 + 2));
        std::fs::write(&path, text).expect("a policy");
        let report = toolgate(folder.path(), ["check", "--json"]).code(2).json();
        assert_eq!(report["diagnostics"][0]["code"], "too_large", "{report}");
    }
}
