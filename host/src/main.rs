//! The `toolgate` binary: the only place that touches the process's own streams and exit code.
//!
//! Everything else is in `cli/`, which writes to the console it is handed.

mod cli;

/// A call allocates some two hundred times and often ends on another thread; with the system's allocator, 32 calls in
/// flight take a quarter longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match cli::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors; clap sends each to the right stream.
            let code = if error.use_stderr() { cli::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let console = cli::Console::new(
        Box::new(std::io::stdout()),
        Box::new(anstream::stderr()),
        std::io::stdout().is_terminal(),
        std::io::stderr().is_terminal(),
    );
    ExitCode::from(cli::run(args, console))
}
