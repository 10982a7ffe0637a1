//! Bombs that no structural cap sees: the worker that compiles them runs out of time or memory, and the host does not.
//!
//! A worker may take 6 GiB and 60 s, which no component of 16 MiB is known to need, so here it is started with less: it
//! never raises a limit. Invariant: the worker is the real program, in a process of its own.

use super::room::{Room, Tool, alone, measured};
use super::wat;
use crate::support::PATIENCE;
use crate::support::binary::{command, program, target_folder};
use crate::support::guest::Guest;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use toolgate::catalog::{Compiler, WORKER_COMMAND};

/// What a person reads when a worker ran out.
const WHY: &str = "needs more memory or time to compile";
/// Of the shell's `ulimit`: seconds of processor time.
const SHORT_TIME: &str = "ulimit -t 1";
/// Of the shell's `ulimit`: address space, in KiB.
const LITTLE_MEMORY: &str = "ulimit -v 262144";

/// Within every cap, and half a gigabyte and ten seconds of the compiler's work.
fn bomb() -> Tool {
    let body = "global.get $x i32.const 77 i32.add global.set $x ".repeat(120_000);
    let items = format!("(global $x (mut i32) (i32.const 0)) (func {body}) (func {body})");
    Tool::of("guest", Guest::answering("{}").item(&items).build())
}

/// The program, started with less than it may take.
fn starved(folder: &Path, limit: &str) -> Compiler {
    let worker = folder.join("worker");
    let text = format!("#!/bin/sh\n{limit}\nexec '{}' \"$@\"\n", program().display());
    // Another process writes it: a child of this one that starts meanwhile would keep the file busy.
    let write = "printf %s \"$1\" > \"$0\" && chmod 700 \"$0\"";
    let written = Command::new("sh").args(["-c", write]).arg(&worker).arg(text).status();
    assert!(written.expect("sh runs").success());
    Compiler::Process(worker)
}

/// Refused for the worker's reason at the worker's cost, while the same worker compiles what is small.
async fn refused_at_the_workers_cost(limit: &str) {
    let folder = tempfile::tempdir_in(target_folder()).expect("a temporary folder");
    let (compiler, bomb) = (starved(folder.path(), limit), [bomb()]);
    let (opened, cost) = measured(Room::open_compiling(&bomb, compiler.clone())).await;
    let error = opened.err().expect("the bomb is refused").to_string();
    assert!(error.contains(WHY), "{error}");
    assert!(error.len() < 400 && error.lines().count() == 1, "{error}");
    cost.within(128 << 20, Duration::from_secs(20));
    Room::open_compiling(&[], compiler).await.expect("the gate opens without it").good_call().await;
}

#[test]
fn what_takes_too_long_to_compile_is_refused() {
    alone(refused_at_the_workers_cost(SHORT_TIME));
}

#[test]
fn what_takes_too_much_memory_to_compile_is_refused() {
    alone(refused_at_the_workers_cost(LITTLE_MEMORY));
}

/// As a person starts it: the program is under the same limit as its worker, and does not come near it.
#[test]
fn the_program_says_why_it_refuses_and_answers_without_the_bomb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("writable");
    write("guest.wasm", &bomb().component);
    write("echo.wasm", &wat::component("echo"));
    let call_echo = |tools: &[&str]| {
        let tool = |name: &&str| {
            format!(
                "[tools.{name}]\ncomponent = \"{name}.wasm\"\nverdict = \"allow\"\neffect = \"read-only\"\n"
            )
        };
        write("policy.toml", tools.iter().map(tool).collect::<String>().as_bytes());
        let script = format!("{SHORT_TIME}; exec \"$0\" call echo --policy policy.toml");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(program()).current_dir(folder.path()).stdin(Stdio::null());
        shell.output().expect("the program ends")
    };
    let refused = call_echo(&["echo", "guest"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!((refused.status.code(), said.contains(WHY)), (Some(1), true), "{refused:?}");
    let answered = call_echo(&["echo"]);
    assert_eq!(answered.status.code(), Some(0), "{answered:?}");
}

/// The hard limit of this name in `/proc/PID/limits`; none where it says `unlimited`.
fn hard_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_worker_is_under_its_limits_before_it_has_read_its_input() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut worker = command(folder.path());
    worker.arg(WORKER_COMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut worker = worker.spawn().expect("the program starts");
    let (limits, started) = (format!("/proc/{}/limits", worker.id()), Instant::now());
    let limited = |limits: &str| {
        [("Max address space", 6_u64 << 30), ("Max cpu time", 60), ("Max core file size", 0)]
            .into_iter()
            .all(|(name, max)| hard_limit(limits, name).is_some_and(|limit| limit <= max))
    };
    loop {
        let limits = std::fs::read_to_string(&limits).expect("it waits for its input");
        if limited(&limits) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{limits}");
        std::thread::yield_now();
    }
    drop(worker.stdin.take());
    assert_eq!(worker.wait().expect("it ends").code(), Some(2), "no bytes are no component");
}

/// Loads a tool that must be refused, and gives what is said.
async fn refusal(tool: Tool, compiler: Compiler) -> String {
    let opened = Room::open_compiling(&[tool], compiler).await;
    opened.err().expect("it is refused").to_string()
}

#[test]
fn what_the_compiler_says_comes_back_from_the_worker() {
    alone(async {
        let table = format!("(func (param i32) (block (br_table {} (local.get 0))))", "0 ".repeat(100_000));
        let tool = Tool::of("guest", Guest::answering("{}").item(&table).build());
        let said = refusal(tool, Compiler::Process(program().to_owned())).await;
        assert!(said.contains("cannot be compiled") && said.len() < 1000, "{said}");
    });
}

#[test]
fn a_worker_that_is_not_there_is_said_to_be_missing() {
    alone(async {
        let nowhere = Compiler::Process(PathBuf::from("/nowhere/toolgate"));
        let said = refusal(Tool::guest("echo"), nowhere).await;
        assert!(said.contains("cannot be started"), "{said}");
    });
}
