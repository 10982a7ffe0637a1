//! The real program, as people start it.
//!
//! Invariant: a program older than the host's source is refused, so that no test passes on yesterday's code.

use super::gate::repository;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

/// How one command ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
}

impl Ran {
    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "not one line of JSON: {self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Asserts the exit code, and shows everything when it is another.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self:#?}");
        self
    }
}

/// Runs the program in a folder to its end.
pub fn toolgate<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Ran {
    toolgate_reading(folder, args, b"")
}

/// Runs the program in a folder to its end, with this on its stdin.
pub fn toolgate_reading<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>, stdin: &[u8]) -> Ran {
    let mut child = command(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let ended = std::thread::scope(|scope| {
        // A program that refuses its arguments never reads; then nobody is there to write to.
        scope.spawn(move || input.write_all(stdin).ok());
        child.wait_with_output().expect("the program ends")
    });
    Ran {
        code: ended.status.code().expect("it was not killed"),
        out: String::from_utf8(ended.stdout).expect("UTF-8 on stdout"),
        err: String::from_utf8(ended.stderr).expect("UTF-8 on stderr"),
    }
}

/// The program in a folder, with nothing of this process's environment that it would read.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder);
    for name in ["TOOLGATE_POLICY", "TOOLGATE_LOG", "TOOLGATE_WORKSPACE"] {
        command.env_remove(name);
    }
    command
}

/// The folder of what cargo made: the program lies in it, and the tests below it.
pub fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let deps = test.parent().expect("a folder");
    deps.parent().expect("a folder above").to_owned()
}

/// The program beside this test.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("toolgate", &[repository().join("host/src")]))
}

/// An example of the host, as cargo built it.
pub fn example(name: &str) -> PathBuf {
    // The library alone is linked into it, not the command line.
    let library = |path: &PathBuf| !path.ends_with("cli") && !path.ends_with("main.rs");
    let mut sources: Vec<PathBuf> = entries(&repository().join("host/src")).filter(library).collect();
    sources.push(repository().join("host/examples").join(name).with_extension("rs"));
    built(&format!("examples/{name}"), &sources)
}

/// What cargo built, no older than its sources.
fn built(name: &str, sources: &[PathBuf]) -> PathBuf {
    let file = target_folder().join(name);
    let hint = "run `cargo build -p toolgate --bins --examples`";
    let Ok(built) = std::fs::metadata(&file).and_then(|found| found.modified()) else {
        panic!("{} is missing: {hint}", file.display());
    };
    let newest = sources.iter().flat_map(|source| newest(source)).max();
    let (newest, source) = newest.expect("it has sources");
    assert!(newest <= built, "{} is older than {}: {hint}", file.display(), source.display());
    file
}

/// The newest file at a path or below it, of those that are not only compiled for tests.
fn newest(path: &Path) -> Option<(SystemTime, PathBuf)> {
    if path.ends_with("tests") || path.ends_with("tests.rs") {
        return None;
    }
    if path.is_dir() {
        return entries(path).filter_map(|path| newest(&path)).max();
    }
    let found = std::fs::metadata(path).expect("a source");
    Some((found.modified().expect("a time"), path.to_owned()))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).expect("a source folder").map(|entry| entry.expect("an entry").path())
}
