//! A client of a real `toolgate serve`: raw JSON-RPC lines in, JSON lines out.
//!
//! Not a full client (the real ones are in `tests/clients`). Invariant: the process is dead once this is dropped.

use super::binary;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A served session.
pub struct Served {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Served {
    /// Starts the server and does the handshake of 2025-11-25.
    pub fn start(policy: &Path) -> Self {
        Self::start_with(policy, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(policy: &Path, args: &[&str]) -> Self {
        Self::start_telling(policy, args, Stdio::inherit())
    }

    /// The same, with what the operator is told in this file.
    pub fn start_logging(policy: &Path, log: &Path) -> Self {
        Self::start_telling(policy, &[], File::create(log).expect("a file for the log").into())
    }

    fn start_telling(policy: &Path, args: &[&str], stderr: Stdio) -> Self {
        let folder = policy.parent().expect("a policy lies in a folder");
        let mut child = binary::command(folder)
            .arg("serve")
            .arg("--policy")
            .arg(policy)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the server starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        let mut served = Self { child, input, output: BufReader::new(output) };
        let client = json!({"name": "tests", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        served.send(&json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params}));
        assert_eq!(served.answer()["result"]["protocolVersion"], "2025-11-25");
        served.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        served
    }

    /// Sends one message.
    pub fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("an open session");
        input.write_all(format!("{message}\n").as_bytes()).expect("the server reads");
    }

    /// Sends a tool call.
    pub fn call(&mut self, id: u64, tool: &str, arguments: &Value) {
        let params = json!({"name": tool, "arguments": arguments});
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
    }

    /// The next message that answers a request.
    pub fn answer(&mut self) -> Value {
        self.try_answer().expect("the server still talks")
    }

    /// The next answer, or none once the server has gone. Half a line is no answer.
    pub fn try_answer(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).ok()?;
            if !line.ends_with('\n') {
                return None;
            }
            let message: Value = serde_json::from_str(&line).expect("JSON on stdout");
            if message.get("id").is_some() {
                return Some(message);
            }
        }
    }

    /// Asks the process to end, as a service manager does: SIGTERM.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the server was alive");
    }

    /// Lets the process do nothing until [`Served::thaw`]: SIGSTOP.
    pub fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).expect("the server was alive");
        let stat = format!("/proc/{}/stat", self.child.id());
        let is_stopped =
            |stat: &str| stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'));
        while !is_stopped(&std::fs::read_to_string(&stat).expect("a child")) {
            std::thread::yield_now();
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("the server was alive");
    }

    /// Kills the process as `kill -9` does; gives what it had still written.
    pub fn kill(mut self) -> Vec<Value> {
        self.child.kill().expect("the server was alive");
        self.child.wait().expect("the server is gone");
        std::iter::from_fn(|| self.try_answer()).collect()
    }

    /// Closes the input, reads what is left, and gives it with the exit code.
    pub fn close(mut self) -> (Vec<Value>, Option<i32>) {
        drop(self.input.take());
        let rest = std::iter::from_fn(|| self.try_answer()).collect();
        (rest, self.child.wait().expect("the server ends").code())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail when it is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
