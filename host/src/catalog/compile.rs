//! Compiling in a bounded place.
//!
//! A hostile component can make the compiler slow or hungry. Where the `toolgate` binary is at hand, it
//! compiles in a process of its own with an address-space limit and a time limit; an embedder without
//! the binary compiles on a thread of its own, bounded by the structural caps alone. Invariant: whatever
//! the component, the host's async threads and memory are not the ones that pay.

use super::{CatalogError, component::COMPONENT_BYTES_MAX};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The hidden subcommand of the binary that compiles stdin to stdout.
pub const WORKER_COMMAND: &str = "compile-worker";
/// Address space of the worker.
const WORKER_BYTES_MAX: u64 = 6 << 30;
/// Processor time of the worker. A component of 16 MiB takes about 16 s.
const WORKER_SECONDS_MAX: u64 = 60;
/// Wall time of the worker.
const WORKER_WALL_MAX: Duration = Duration::from_secs(120);

/// Where components are compiled.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// In a process of its own, by the `toolgate` binary at this path.
    Process(PathBuf),
    /// On a thread of this process.
    Thread,
}

impl Compiler {
    /// Compiles; blocks until done, so call it off the async threads.
    ///
    /// # Errors
    /// When the component is refused, or takes more than the worker may use.
    pub fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, CatalogError> {
        match self {
            Self::Thread => Ok(crate::sandbox::compile(wasm)?),
            Self::Process(binary) => in_process(binary, wasm),
        }
    }
}

/// The worker's side: limits its own process, then compiles what it reads.
///
/// # Errors
/// With the sentence that the parent process shows.
pub fn worker(input: &mut dyn Read) -> Result<Vec<u8>, CatalogError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let worker = |error: std::io::Error| CatalogError::Worker(error.to_string());
    // A lower limit that the process was started with stays: it may not be raised, and need not be.
    let limit = |resource: Resource, max: u64| {
        let max = getrlimit(resource).current.map_or(max, |given| given.min(max));
        let lowered = setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) });
        lowered.map_err(|error| worker(error.into()))
    };
    limit(Resource::As, WORKER_BYTES_MAX)?;
    limit(Resource::Cpu, WORKER_SECONDS_MAX)?;
    limit(Resource::Core, 0)?;
    let mut wasm = Vec::new();
    input.take(COMPONENT_BYTES_MAX).read_to_end(&mut wasm).map_err(worker)?;
    Ok(crate::sandbox::compile(&wasm)?)
}

fn in_process(binary: &std::path::Path, wasm: &[u8]) -> Result<Vec<u8>, CatalogError> {
    let worker = |what: &str, error: std::io::Error| CatalogError::Worker(format!("{what}: {error}"));
    let mut child = Command::new(binary)
        .arg(WORKER_COMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| worker("it cannot be started", error))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (code, said, wrote) = std::thread::scope(|scope| {
        let code = scope.spawn(move || drain(stdout));
        let said = scope.spawn(move || drain(stderr));
        let wrote = scope.spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(wasm)));
        let status = wait(&mut child, WORKER_WALL_MAX);
        (code.join(), said.join(), (wrote.join(), status))
    });
    let status = wrote.1.map_err(|error| worker("it cannot be waited for", error))?;
    match (status, code) {
        (Some(status), Ok(Ok(code))) if status.success() => Ok(code),
        (None, _) => Err(CatalogError::Bomb {
            what: "seconds of compilation",
            max: WORKER_WALL_MAX.as_secs() as usize,
        }),
        (Some(status), _) => {
            let said = said.ok().and_then(Result::ok).unwrap_or_default();
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            // Without an exit code it was ended by a signal, and what it wrote last is no sentence for people.
            Err(CatalogError::Worker(if said.is_empty() || status.code().is_none() {
                format!(
                    "the worker ended with {status}: the component needs more memory or time to compile than it \
                     may take, at most {} GiB and {WORKER_SECONDS_MAX} s",
                    WORKER_BYTES_MAX >> 30
                )
            } else {
                said
            }))
        }
    }
}

/// Waits for the worker; ends it when its time is over, and then says `None`.
fn wait(
    child: &mut std::process::Child,
    wall_max: Duration,
) -> std::io::Result<Option<std::process::ExitStatus>> {
    let started = std::time::Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > wall_max {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn drain(pipe: Option<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_past_its_wall_time_is_ended_and_waited_for() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(5)).unwrap().is_none());
        assert!(child.try_wait().unwrap().is_some_and(|status| status.code().is_none()));
    }
}
