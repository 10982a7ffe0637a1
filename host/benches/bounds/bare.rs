//! The baseline of a call: the runtime alone, with the settings of `sandbox/engine.rs`, with no more than metering
//! and interrupting need, or as it comes.
//!
//! A fresh store with a WASI context, an instance from an `InstancePre`, one call, and nothing else: no policy,
//! schema, sanitizer or record. Invariant: with [`Settings::Host`], whatever the host turns on in the engine is on
//! here too; with [`Settings::Floor`], what any host must turn on that meters and interrupts; with
//! [`Settings::Default`], nothing is set at all.

use anyhow::{Result, anyhow};
use std::path::Path;
use std::time::Duration;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{
    Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Store,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

mod bindings {
    //! Generated; the same world as the host's.
    wasmtime::component::bindgen!({ path: "../sdk/wit", world: "tool", exports: { default: async } });
}

const TICK: Duration = Duration::from_millis(10);
const FUEL: u64 = 1_000_000_000;
const CALLS: u32 = 10;

/// How the runtime is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    /// As the host sets it: metered, interruptible, instances from warm slots.
    Host,
    /// Metered, interruptible, pooled; nothing tuned.
    Floor,
    /// As it comes: not metered, memory and stack mapped anew for each instance.
    Default,
}

/// A component, ready to be instantiated.
pub(crate) struct Bare {
    settings: Settings,
    engine: Engine,
    pre: bindings::ToolPre<State>,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Bare {
    pub(crate) fn open(component: &Path, settings: Settings) -> Result<Self> {
        let engine = match settings {
            Settings::Host => ticking(Engine::new(&config())?),
            Settings::Floor => ticking(Engine::new(&floor())?),
            Settings::Default => Engine::default(),
        };
        let component = Component::from_file(&engine, component)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let pre = bindings::ToolPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { settings, engine, pre })
    }

    /// One call in a fresh instance.
    pub(crate) async fn call(&self, tool: &str, arguments: &str) -> Result<String> {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        if self.settings != Settings::Default {
            store.set_fuel(FUEL)?;
            store.set_epoch_deadline(1);
            store.epoch_deadline_async_yield_and_update(1);
        }
        let instance = self.pre.instantiate_async(&mut store).await?;
        let answer = instance.call_call(&mut store, tool, arguments).await?;
        answer.map_err(|failure| anyhow!("{}", failure.message))
    }
}

/// Lets epochs pass for as long as the engine lives.
fn ticking(engine: Engine) -> Engine {
    let weak = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
    engine
}

/// Fuel, epochs and a pool, as the runtime sets it.
fn floor() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::new()));
    config
}

fn config() -> Config {
    let mut config = floor();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .compiler_inlining(Inlining::No)
        .generate_address_map(false)
        .async_stack_size(2 << 20);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CALLS)
        .total_stacks(CALLS)
        .total_core_instances(CALLS * 128)
        .total_memories(CALLS * 16)
        .total_tables(CALLS * 64)
        .max_core_instances_per_component(128)
        .max_memories_per_component(16)
        .max_tables_per_component(64)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(10_000)
        .max_memory_size(u32::MAX as usize + 1)
        .linear_memory_keep_resident(256 * 1024)
        .table_keep_resident(64 * 1024)
        .max_unused_warm_slots(CALLS)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
