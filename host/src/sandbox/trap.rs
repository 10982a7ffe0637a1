//! From what the runtime reports to the fault that it was.
//!
//! Invariant: every error of an execution ends as exactly one fault or host error; the text is for the
//! operator and is sanitized before anyone reads it.

use super::limits::Meter;
use crate::call::Fault;
use std::fmt;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

/// The epoch callback saw the deadline pass.
#[derive(Debug)]
pub(super) struct DeadlinePassed;

impl fmt::Display for DeadlinePassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline passed")
    }
}

impl std::error::Error for DeadlinePassed {}

/// The epoch callback saw the kill switch.
#[derive(Debug)]
pub(super) struct SwitchedOff(pub(super) String);

impl fmt::Display for SwitchedOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SwitchedOff {}

/// The guest charged more than it may.
#[derive(Debug)]
pub(super) struct ChargeRefused {
    pub(super) micro_usd_max: u64,
}

impl fmt::Display for ChargeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tool charged more than {} micro-USD", self.micro_usd_max)
    }
}

impl std::error::Error for ChargeRefused {}

/// What the runtime says, without a type of its own to tell by, when a copy out of the guest is over its bound.
const COPY_REFUSED: &str = "fuel allocated for hostcalls has been exhausted";

/// Names the fault behind an error, with one sentence for the operator. `returned`: the guest's function had
/// returned, so that what failed was taking its result.
pub(super) fn classify(error: &wasmtime::Error, meter: &Meter, returned: bool) -> (Fault, String) {
    if error.is::<DeadlinePassed>() {
        return (Fault::Deadline, "the guest was still running at its deadline".to_owned());
    }
    if let Some(switched_off) = error.downcast_ref::<SwitchedOff>() {
        return (Fault::Killed, switched_off.to_string());
    }
    if let Some(refused) = error.downcast_ref::<ChargeRefused>() {
        return (Fault::CapabilityDenied, refused.to_string());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return (Fault::Trap, format!("the guest called exit({}) instead of returning", exit.0));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => (Fault::OutOfFuel, "the fuel of the call is spent".to_owned()),
        Some(Trap::Interrupt) => (Fault::Deadline, "the guest was still running at its deadline".to_owned()),
        _ if meter.denied() => {
            (Fault::OutOfMemory, "the guest asked for more memory than its limit".to_owned())
        }
        Some(trap) => (Fault::Trap, trap.to_string()),
        None if returned && error.to_string().contains(COPY_REFUSED) => {
            (Fault::OutputTooLarge, "the output is so large that it was not even read".to_owned())
        }
        None => (Fault::Trap, format!("{error:#}")),
    }
}
