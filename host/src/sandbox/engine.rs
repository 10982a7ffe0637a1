//! The one engine of a host: which WebAssembly it accepts, how code is compiled, where instances live,
//! and the thread that makes epochs pass.
//!
//! Not here: limits of a single call (`limits`, `store`). Invariant: every feature that this file does
//! not turn on is off, so an upgrade of the runtime cannot widen what a guest may use.

use super::SandboxError;
use super::limits::{
    ASYNC_STACK_BYTES, INSTANCES_PER_CALL_MAX, MEMORIES_PER_CALL_MAX, TABLE_ELEMENTS_MAX, TABLES_PER_CALL_MAX,
};
use std::time::Duration;
use wasmtime::{
    Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

/// How long one epoch lasts: the precision of the deadline for guest code.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Guest memory that a pooled slot keeps between calls, so that the next one starts without page faults.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// Changes when `configure` changes in a way that compiled code depends on; part of the cache key.
pub(super) const CONFIG_REVISION: &str = "1";

/// Builds the engine for `concurrency` calls at once.
pub(super) fn build(concurrency: usize) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    features(&mut config);
    code(&mut config);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(concurrency)));
    config.async_stack_size(ASYNC_STACK_BYTES);
    Engine::new(&config).map_err(|error| SandboxError::Engine(format!("{error:#}")))
}

/// Builds the engine of the compile worker: the same code, and no pool, since nothing runs there.
pub(super) fn build_compiler() -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    features(&mut config);
    code(&mut config);
    config.parallel_compilation(false);
    Engine::new(&config).map_err(|error| SandboxError::Engine(format!("{error:#}")))
}

/// Lets epochs pass for as long as the engine lives.
pub(super) fn start_ticking(engine: &Engine, tick: Duration) -> Result<(), SandboxError> {
    let engine = engine.weak();
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(tick);
        }
    };
    let spawned = std::thread::Builder::new().name("toolgate-epoch".to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| SandboxError::Engine(format!("cannot start the epoch thread: {error}")))
}

/// Which WebAssembly is accepted. Everything that std's wasm32-wasip2 output and the common guest
/// toolchains do not need is off; component-model async is not even compiled in.
fn features(config: &mut Config) {
    config
        .wasm_component_model(true)
        .wasm_component_model_error_context(false)
        .wasm_component_model_gc(false)
        .wasm_component_model_map(false)
        .wasm_component_model_memory64(false)
        .wasm_component_model_fixed_length_lists(false)
        .wasm_component_model_implements(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_threads(false)
        .wasm_shared_everything_threads(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .concurrency_support(false);
}

/// How code is made: metered, interruptible, deterministic. Signals-based traps, guard pages and the
/// 4 GiB reservation stay at their defaults; turning signals off turns Spectre mitigations off.
fn code(config: &mut Config) {
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .compiler_inlining(Inlining::No)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16))
        .generate_address_map(false);
}

/// Where instances live. Sized so that admission (`admission`) is always the first thing to say no.
fn pool(concurrency: usize) -> PoolingAllocationConfig {
    // Loading a component runs `definitions()` beside ordinary calls.
    let calls = u32::try_from(concurrency).unwrap_or(u32::MAX).saturating_add(2);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        .total_core_instances(calls.saturating_mul(INSTANCES_PER_CALL_MAX))
        .total_memories(calls.saturating_mul(MEMORIES_PER_CALL_MAX))
        .total_tables(calls.saturating_mul(TABLES_PER_CALL_MAX))
        .max_core_instances_per_component(INSTANCES_PER_CALL_MAX)
        .max_memories_per_component(MEMORIES_PER_CALL_MAX)
        .max_tables_per_component(TABLES_PER_CALL_MAX)
        .max_tables_per_module(TABLES_PER_CALL_MAX)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(u32::MAX as usize + 1)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 * 1024)
        .max_unused_warm_slots(calls)
        .pagemap_scan(Enabled::Auto);
    pool
}
