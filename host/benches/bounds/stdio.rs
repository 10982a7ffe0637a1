//! `toolgate serve` beside a native rmcp server: the same lines, from the same client.
//!
//! The client is a blocking one of its own: it writes lines and reads lines, and looks into an answer only
//! far enough to know that it is one. Invariant: both servers get byte-identical requests.

use super::place::{Place, TEXT};
use super::stats::{Rounds, spread};
use super::table::{Bound, Table, Unit};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;
const CALLS: usize = 500;
const IN_FLIGHT: usize = 32;
const IN_FLIGHT_CALLS: usize = 3_000;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let policy = place.echo_policy("stdio", "effect = \"read-only\"")?;
    let mut native = Client::start(Place::native()?)?;
    let mut gated = Client::start(Place::serve(&policy))?;
    native.open()?;
    gated.open()?;
    let (mut p50, mut p99, mut rate) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=ROUNDS {
        let baseline = spread(native.sequential(CALLS)?)?;
        let ours = spread(gated.sequential(CALLS)?)?;
        let (baseline_rate, our_rate) = (native.in_flight()?, gated.in_flight()?);
        if round > 0 {
            p50.push(ours.p50, baseline.p50);
            p99.push(ours.p99, baseline.p99);
            rate.push(our_rate, baseline_rate);
        }
    }
    table.row("MCP stdio, one at a time, p50, to native rmcp", Unit::Micros, &p50, Bound::RatioAtMost(1.7));
    table.row("MCP stdio, one at a time, p99", Unit::Micros, &p99, Bound::None);
    table.row("MCP stdio, 32 in flight", Unit::PerSecond, &rate, Bound::RatioAtLeast(0.5));
    native.end()?;
    gated.end()
}

/// A server and the client of it.
pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
    next: u64,
}

impl Client {
    /// Starts the server.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output, line: String::new(), next: 0 })
    }

    /// Opens the session and lists the tools: all that a client does before its first call.
    pub(crate) fn open(&mut self) -> Result<()> {
        let opening = concat!(
            r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#,
            "\n",
        );
        self.input.write_all(opening.as_bytes())?;
        ensure!(self.answer()?.contains("\"serverInfo\""), "initialize was answered with {}", self.line);
        let listing = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":"list","method":"tools/list"}"#,
            "\n",
        );
        self.input.write_all(listing.as_bytes())?;
        ensure!(self.answer()?.contains("\"tools\""), "tools/list was answered with {}", self.line);
        Ok(())
    }

    /// Calls one after the other.
    pub(crate) fn sequential(&mut self, calls: usize) -> Result<Vec<Duration>> {
        let mut samples = Vec::with_capacity(calls);
        for _ in 0..calls {
            let request = self.request();
            let began = Instant::now();
            self.input.write_all(request.as_bytes())?;
            self.answer()?;
            samples.push(began.elapsed());
            self.echoed()?;
        }
        Ok(samples)
    }

    /// Resident memory of the server, in MiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// Closes the input and waits.
    pub(crate) fn end(self) -> Result<()> {
        let Self { mut child, input, .. } = self;
        drop(input);
        ensure!(child.wait()?.success(), "the server failed at its end");
        Ok(())
    }

    /// Calls a second with so many always in flight.
    fn in_flight(&mut self) -> Result<f64> {
        let began = Instant::now();
        for _ in 0..IN_FLIGHT {
            let request = self.request();
            self.input.write_all(request.as_bytes())?;
        }
        for answered in 0..IN_FLIGHT_CALLS {
            self.answer()?;
            self.echoed()?;
            if answered + IN_FLIGHT < IN_FLIGHT_CALLS {
                let request = self.request();
                self.input.write_all(request.as_bytes())?;
            }
        }
        Ok(IN_FLIGHT_CALLS as f64 / began.elapsed().as_secs_f64())
    }

    fn request(&mut self) -> String {
        self.next += 1;
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\"text\":\"{TEXT}\"}}}}}}\n",
            self.next
        )
    }

    fn answer(&mut self) -> Result<&str> {
        self.line.clear();
        ensure!(self.output.read_line(&mut self.line)? > 0, "the server closed its output");
        Ok(&self.line)
    }

    fn echoed(&self) -> Result<()> {
        let echoed = self.line.contains(TEXT)
            && !self.line.contains("\"isError\":true")
            && !self.line.contains("\"error\"");
        ensure!(echoed, "a call was answered with {}", self.line);
        Ok(())
    }
}
