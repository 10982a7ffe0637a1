//! The store of one call: fresh state, metered, with nothing but what was granted.
//!
//! Not here: what the host functions do (`grants`, `context`). Invariant: a store serves one call and is
//! dropped with it, so no guest state survives from one call to the next.

use super::bindings::Definition;
use super::context::{CallContext, ProgressSink};
use super::grants::clock::CallClock;
use super::grants::fs::{FsCtx, FsView, Root};
use super::grants::random::RandomCtx;
use super::limits::{
    FAILURE_BYTES_MAX, FUEL_SLICE, HANDLES_MAX, HOST_CALL_FUEL, HOSTCALL_BYTES_MAX, Meter, RESOURCES_MAX,
};
use super::streams::BoundedOutput;
use super::trap::{DeadlinePassed, SwitchedOff};
use crate::call::{CallId, RunId};
use crate::control::Running;
use crate::policy::Limits;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, Engine, Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The grants of a tool, opened once when the policy is loaded.
#[derive(Default)]
pub struct OpenGrants {
    /// Granted folders.
    pub fs: Vec<Root>,
    /// Granted environment.
    pub env: BTreeMap<String, String>,
    /// The real clock.
    pub clock: bool,
    /// Real entropy.
    pub random: bool,
    /// Keep log lines.
    pub log: bool,
}

/// One execution: what to run, as whom, within which limits.
pub struct Job {
    /// The tool's name in its component.
    pub tool: String,
    /// The arguments, checked.
    pub arguments_json: String,
    /// The run.
    pub run: RunId,
    /// The call.
    pub call: CallId,
    /// Which execution inside the call, from 1.
    pub attempt: u32,
    /// The idempotency key to hand on.
    pub key: Option<String>,
    /// Unix time at the call's start: where an ungranted clock stands.
    pub started_unix: Duration,
    /// When the call must have ended, the wait for a slot included. The execution has its own, shorter
    /// deadline from when it gets a slot: `limits.deadline`.
    pub deadline: Instant,
    /// The tool's limits.
    pub limits: Limits,
    /// What the tool may charge, in micro-USD.
    pub charge_micro_usd_max: u64,
    /// The tool's grants.
    pub grants: Arc<OpenGrants>,
    /// Where progress goes.
    pub progress: Option<ProgressSink>,
    /// Set once the execution has its slot: from then on the guest may run.
    pub admitted: Arc<AtomicBool>,
    /// The call's entry in the control room; without one, no switch stops it.
    pub running: Option<Running>,
}

/// What host functions see.
pub(super) struct CallState {
    wasi: WasiCtx,
    table: ResourceTable,
    fs: FsCtx,
    random: RandomCtx,
    pub(super) context: CallContext,
    pub(super) meter: Meter,
    pub(super) stdout: BoundedOutput,
    pub(super) stderr: BoundedOutput,
    /// Calls from the guest into the host so far.
    pub(super) host_calls: u64,
    /// Of those, how many have not been paid for with fuel yet.
    unpaid: u64,
    /// Kept until no guest instruction can run any more.
    running: Option<Running>,
    /// How deep in guest code: 1 in what the host called, 2 where a host call has the guest make room for its result.
    depth: u32,
    /// Some guest code was entered.
    has_run: bool,
}

impl CallState {
    /// Counts one call from the guest. Every linked function passes here on its way to its state.
    fn entered(&mut self) -> &mut Self {
        self.host_calls = self.host_calls.saturating_add(1);
        self.unpaid = self.unpaid.saturating_add(1);
        self
    }

    /// Whether any guest code was entered.
    pub(super) fn has_run(&self) -> bool {
        self.has_run
    }

    /// No guest code is under way: what the host called has returned, and its result is to be copied out.
    pub(super) fn returned(&self) -> bool {
        self.depth == 0
    }

    pub(super) fn context(&mut self) -> &mut CallContext {
        &mut self.entered().context
    }

    pub(super) fn fs(&mut self) -> FsView<'_> {
        let state = self.entered();
        FsView { ctx: &mut state.fs, table: &mut state.table }
    }

    pub(super) fn random(&mut self) -> &mut RandomCtx {
        &mut self.entered().random
    }

    pub(super) fn table(&mut self) -> &mut ResourceTable {
        &mut self.entered().table
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let state = self.entered();
        WasiCtxView { ctx: &mut state.wasi, table: &mut state.table }
    }
}

/// Builds the store of one call. Fuel and deadline are set before anything is instantiated: `start`
/// functions, `cabi_realloc`, post-return and destructors are guest code too.
pub(super) fn build(engine: &Engine, job: &mut Job) -> wasmtime::Result<Store<CallState>> {
    let running = job.running.take();
    let mut store = Store::try_new(engine, state(job, running))?;
    store.limiter(|state| &mut state.meter);
    store.fuel_async_yield_interval(Some(FUEL_SLICE))?;
    store.set_fuel(job.limits.fuel)?;
    let output = usize::try_from(job.limits.output_bytes).unwrap_or(usize::MAX);
    store.set_hostcall_fuel(HOSTCALL_BYTES_MAX.max(output.saturating_add(FAILURE_BYTES_MAX)));
    store.set_max_component_handles(HANDLES_MAX);
    store.set_epoch_deadline(1);
    let deadline = job.deadline;
    store.epoch_deadline_callback(move |store| {
        if let Some(killed) = store.data().running.as_ref().and_then(Running::why) {
            return Err(SwitchedOff(killed.to_string()).into());
        }
        if Instant::now() >= deadline {
            return Err(DeadlinePassed.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store.call_hook(|mut store, hook| {
        let state = store.data_mut();
        match hook {
            CallHook::CallingWasm => {
                state.has_run = true;
                state.depth = state.depth.saturating_add(1);
            }
            CallHook::ReturningFromWasm => state.depth = state.depth.saturating_sub(1),
            CallHook::ReturningFromHost if state.depth == 1 => return pay(store),
            CallHook::ReturningFromHost | CallHook::CallingHost => {}
        }
        Ok(())
    });
    Ok(store)
}

/// Settles the fuel of a host call when that call returns to the guest, and at no other moment.
///
/// The runtime also invokes the hook around its own callbacks, such as a new epoch or a growing memory. Compiled
/// code holds its fuel in a register across those and writes it back later, so what is taken there is lost. In the
/// guest's outermost function nothing is unpaid then; in its `realloc`, called in the middle of a host call, that
/// call is. So only a return to depth 1 pays, and fuel never depends on time.
fn pay(mut store: StoreContextMut<'_, CallState>) -> wasmtime::Result<()> {
    let unpaid = std::mem::take(&mut store.data_mut().unpaid);
    if unpaid == 0 {
        return Ok(());
    }
    let cost = unpaid.saturating_mul(HOST_CALL_FUEL);
    let left = store.get_fuel()?.checked_sub(cost);
    store.set_fuel(left.unwrap_or(0))?;
    match left {
        Some(_) => Ok(()),
        None => Err(Trap::OutOfFuel.into()),
    }
}

fn state(job: &Job, running: Option<Running>) -> CallState {
    let (stdout, stderr) = (BoundedOutput::default(), BoundedOutput::default());
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES_MAX);
    CallState {
        wasi: wasi(job, &stdout, &stderr),
        table,
        fs: FsCtx::new(&job.grants.fs),
        random: if job.grants.random { RandomCtx::entropy() } else { RandomCtx::seeded(job.call.as_bytes()) },
        context: CallContext {
            run: job.run,
            call: job.call,
            attempt: job.attempt,
            key: job.key.clone(),
            deadline: job.deadline,
            keep_logs: job.grants.log,
            progress: job.progress.clone(),
            logs: Vec::new(),
            logs_dropped: 0,
            charged_micro_usd: 0,
            charge_micro_usd_max: job.charge_micro_usd_max,
        },
        meter: Meter::new(job.limits.memory_bytes),
        stdout,
        stderr,
        host_calls: 0,
        unpaid: 0,
        running,
        depth: 0,
        has_run: false,
    }
}

/// Everything is off by default: no arguments, an empty environment, stdin at its end, sockets refused.
fn wasi(job: &Job, stdout: &BoundedOutput, stderr: &BoundedOutput) -> WasiCtx {
    let mut wasi = WasiCtx::builder();
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    for (name, value) in &job.grants.env {
        wasi.env(name, value);
    }
    if !job.grants.clock {
        wasi.wall_clock(CallClock::at(job.started_unix)).monotonic_clock(CallClock::at(job.started_unix));
    }
    wasi.build()
}

/// A definition as the guest states it.
pub(super) type RawDefinition = Definition;
