//! `toolgate serve`: the policy's tools over MCP, on stdin and stdout.

use super::{CliError, Console, PolicyArg, gate_options};
use toolgate::{Gate, GateOptions};

/// Serve the policy's tools to an MCP client over stdio.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    policy: PolicyArg,
    /// The run of a client that names none.
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Refuse components that the policy does not pin by sha256.
    #[arg(long)]
    locked: bool,
}

impl Serve {
    pub(super) fn run(self, _console: &mut Console) -> Result<u8, CliError> {
        raise_open_files();
        // Calls run on the workers; the session, and a call that is alone, on this thread (`mcp/calls`).
        let threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        let workers =
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let session = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = session.block_on(async {
            let options = GateOptions { run_name: self.run, locked: self.locked, ..gate_options() };
            let gate = Gate::open_with(&self.policy.policy, options).await?;
            for tool in gate.changed_tools() {
                tracing::error!(
                    "the tool `{tool}` is not served: its component is not the one that the policy names"
                );
            }
            toolgate::mcp::serve_stdio(gate.clone(), workers.handle().clone()).await?;
            gate.close().await?;
            Ok(0)
        });
        // A thread that still waits for input must not hold up the exit.
        workers.shutdown_background();
        session.shutdown_background();
        served
    }
}

/// Calls hold files open: take what the system allows this process.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
