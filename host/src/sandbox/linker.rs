//! Everything a guest may import, linked once: the contract's `call-context` and WASI 0.2.
//!
//! All linked interfaces are always present, since every language's standard library imports them;
//! without a grant they are empty or refuse, and none of that traps. Invariant: each interface is
//! reached through a getter of `CallState` that counts the call; the stock `wasi:filesystem` and
//! `wasi:random` are never linked (`grants` serves them).

use super::bindings::toolgate::tool::call_context;
use super::context::CallContext;
use super::grants;
use super::store::CallState;
use wasmtime::Engine;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, sockets};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi_io::bindings::wasi::io;

/// Names of all interfaces that a component may import, for `inspect` and for refusals.
pub const INTERFACES: &[&str] = &[
    "toolgate:tool/call-context",
    "toolgate:tool/types",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

type L = Linker<CallState>;

pub(super) fn build(engine: &Engine) -> wasmtime::Result<L> {
    let mut linker = L::new(engine);
    call_context::add_to_linker::<_, HasSelf<CallContext>>(&mut linker, CallState::context)?;
    grants::fs::add_to_linker(&mut linker, CallState::fs)?;
    add_io(&mut linker)?;
    add_clocks_and_random(&mut linker)?;
    add_cli(&mut linker)?;
    add_sockets(&mut linker)?;
    Ok(linker)
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn add_io(l: &mut L) -> wasmtime::Result<()> {
    io::error::add_to_linker::<_, Table>(l, CallState::table)?;
    io::poll::add_to_linker::<_, Table>(l, CallState::table)?;
    io::streams::add_to_linker::<_, Table>(l, CallState::table)
}

fn add_clocks_and_random(l: &mut L) -> wasmtime::Result<()> {
    clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    grants::random::add_to_linker(l, CallState::random)
}

fn add_cli(l: &mut L) -> wasmtime::Result<()> {
    cli::exit::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::environment::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)
}

/// Present, and refusing every address: no grant can open one.
fn add_sockets(l: &mut L) -> wasmtime::Result<()> {
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<_, WasiSockets>(l, &options, CallState::sockets)?;
    sockets::instance_network::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)
}
