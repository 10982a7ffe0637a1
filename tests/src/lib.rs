//! The tests of the whole: one binary, a module per subject, through the real library and the real program.
//!
//! Not here: tests of one room of the host alone; those lie in their rooms. Invariant: nothing is mocked but
//! time, entropy and the disk, each through the host's own seam.
//!
//! They need what `make guests` builds (`tools/build`) and the program (`cargo build -p toolgate`).
#![cfg(test)]

mod architecture;
mod bad_input;
mod cli;
mod control_plane;
mod crash;
mod crash_harness;
mod demo;
mod examples;
mod hostile;
mod power_loss;
mod sim;
mod sizes;
mod stages;
mod support;
mod wasm_target;
