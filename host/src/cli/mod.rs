//! The command line: one file per command, each a thin caller of the library.
//!
//! Exit codes: 0 done, 1 host error, 2 usage or policy error, 3 refused, 4 the tool failed.

mod add;
mod approvals;
mod build;
mod call;
mod check;
mod completions;
mod connect;
mod connect_command;
mod console;
mod diagnostic;
mod doubts;
mod error;
mod explain;
mod guest;
mod ids;
mod inspect;
mod kill;
mod ledger;
mod new;
mod policy_docs;
mod prune;
mod replace;
mod run;
mod runs;
mod sanitize;
mod schema;
mod serve;
mod switches;
mod trace;
mod unkill;
mod verify;
mod wasm_target;
mod worker;

pub(crate) use console::Console;
use error::{CliError, note_unclosed};

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Usage or policy error.
pub(crate) const USAGE: u8 = 2;

/// A WebAssembly-sandboxed tool host for AI agents: the model suggests, the platform decides.
#[derive(Debug, Parser)]
#[command(name = "toolgate", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Which policy, for every command that needs one.
#[derive(Debug, clap::Args)]
struct PolicyArg {
    /// The policy file.
    #[arg(long, short, value_name = "FILE", env = "TOOLGATE_POLICY", default_value = "toolgate.toml")]
    policy: PathBuf,
}

impl PolicyArg {
    /// What a command that looks further needs, so that it finds the same ledger.
    fn again(&self) -> String {
        let unsaid = std::env::var_os("TOOLGATE_POLICY").unwrap_or_else(|| "toolgate.toml".into());
        let path = self.policy.display().to_string();
        match path.contains(' ') {
            _ if self.policy.as_os_str() == unsaid => String::new(),
            true => format!(" --policy '{path}'"),
            false => format!(" --policy {path}"),
        }
    }
}

/// One JSON document instead of text.
#[derive(Debug, clap::Args)]
struct JsonArg {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

// A line at a variant hides what its type says; where a command has more to say than a line, there is none here.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the policy's tools to an MCP client over stdio.
    Serve(serve::Serve),
    /// Call one tool, as an agent would.
    Call(call::Call),
    /// Check a policy and the components it names.
    Check(check::Check),
    /// Read a policy as a document: what depends on what.
    Policy(policy_docs::PolicyCommand),
    /// Say which rule decides about a call, and why.
    Explain(explain::Explain),
    /// Clean what is read from stdin, as every tool result is cleaned.
    Sanitize(sanitize::Sanitize),
    /// Open, steer and watch runs.
    Run(run::Run),
    /// Show where a run stands, and what is left to it.
    Status(run::StatusOf),
    /// List the calls that wait for a person, with all of their arguments.
    Approvals(approvals::Approvals),
    /// Allow one call that waits, once.
    Approve(approvals::Approve),
    /// Refuse one call that waits.
    Deny(approvals::Deny),
    /// List the calls in doubt, or resolve one.
    Doubts(doubts::Doubts),
    Kill(kill::Kill),
    /// Lift a switch that `toolgate kill` threw.
    Unkill(unkill::Unkill),
    /// List the kill switches that are on, and the hosts that watch them.
    Switches(switches::Switches),
    /// List the runs on the ledger.
    Runs(runs::Runs),
    /// Show what happened in one run.
    Trace(trace::Trace),
    /// Check the ledger's chain.
    Verify(verify::Verify),
    /// Erase the content of old calls; the chain stays whole.
    Prune(prune::Prune),
    New(new::New),
    /// Build components from guest crates.
    Build(build::Build),
    /// Show what a component is, without running it.
    Inspect(inspect::Inspect),
    Add(add::Add),
    Connect(connect_command::Connect),
    /// Print the JSON Schema of policy files, for editors.
    PolicySchema(schema::PolicySchema),
    /// Print completions for a shell.
    Completions(completions::Completions),
    /// Compile stdin to stdout within the worker's limits.
    #[command(hide = true)]
    CompileWorker,
}

/// Runs one command and gives its exit code.
pub(crate) fn run(args: Args, mut console: Console) -> u8 {
    let verbose = matches!(args.command, Command::Serve(_));
    log_to_stderr(verbose);
    let console = &mut console;
    let done = match args.command {
        Command::Serve(command) => command.run(console),
        Command::Call(command) => command.run(console),
        Command::Check(command) => command.run(console),
        Command::Explain(command) => command.run(console),
        Command::Sanitize(command) => command.run(console),
        Command::Run(command) => command.run(console),
        Command::Status(command) => command.run(console),
        Command::Approvals(command) => command.run(console),
        Command::Approve(command) => command.run(console),
        Command::Deny(command) => command.run(console),
        Command::Doubts(command) => command.run(console),
        Command::Policy(command) => command.run(console),
        Command::Kill(command) => command.run(console),
        Command::Unkill(command) => command.run(console),
        Command::Switches(command) => command.run(console),
        Command::Runs(command) => command.run(console),
        Command::Trace(command) => command.run(console),
        Command::Verify(command) => command.run(console),
        Command::Prune(command) => command.run(console),
        Command::New(command) => command.run(console),
        Command::Build(command) => command.run(console),
        Command::Inspect(command) => command.run(console),
        Command::Add(command) => command.run(console),
        Command::Connect(command) => command.run(console),
        Command::PolicySchema(command) => command.run(console),
        Command::Completions(command) => command.run(console),
        Command::CompileWorker => worker::run(console),
    };
    match done {
        Ok(code) => code,
        Err(error) => error.report(console),
    }
}

/// Logs go to stderr: stdout belongs to the answer, and to MCP.
fn log_to_stderr(verbose: bool) {
    use tracing_subscriber::filter::{EnvFilter, LevelFilter};
    let level = if verbose { LevelFilter::INFO } else { LevelFilter::WARN };
    let mut filter = EnvFilter::builder()
        .with_env_var("TOOLGATE_LOG")
        .with_default_directive(level.into())
        .from_env_lossy();
    // At `info` it logs what clients send, raw.
    if let Ok(quiet) = "rmcp=error".parse() {
        filter = filter.add_directive(quiet);
    }
    let built = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .try_init();
    // A second subscriber in one process can only be a test's own; it stays.
    drop(built);
}

/// Runs an async command to its end. A thread that still waits for input must not hold up the exit.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// How commands open a gate: components are compiled by this very binary, in a process of its own.
fn gate_options() -> toolgate::GateOptions {
    use toolgate::catalog::Compiler;
    let compiler = std::env::current_exe().map_or(Compiler::Thread, Compiler::Process);
    toolgate::GateOptions { compiler, ..toolgate::GateOptions::default() }
}

/// What a component says that it needs, as far as this version knows it.
fn capabilities(needs: &[String]) -> Vec<toolgate::policy::Capability> {
    needs.iter().filter_map(|need| need.parse().ok()).collect()
}

/// An argument that is one JSON value. (Left alone, clap would take it for a string.)
fn json(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_str(text)
}
