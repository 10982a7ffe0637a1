//! Reason codes: the one stable snake_case word for every way a call can end other than well.
//!
//! Three types that are never mixed: a [`Denial`] (policy or a guard said no), a [`Fault`] (the guest
//! failed), a [`HostError`] (we failed). The same word stands in results, ledger, metrics and traces.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every code of this kind, in the order of the pipeline.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

codes!(
    /// Policy or a guard said no; nothing ran.
    Denial {
        /// The request is not strict JSON or not of the expected shape.
        Malformed = "malformed",
        /// The request is over the size limit.
        TooLarge = "too_large",
        /// The named run does not exist for this principal.
        UnknownRun = "unknown_run",
        /// No such tool.
        UnknownTool = "unknown_tool",
        /// The arguments do not fit the tool's input schema.
        InvalidArguments = "invalid_arguments",
        /// A context key that the policy requires is missing.
        MissingContext = "missing_context",
        /// A rule, or the default, says no.
        DeniedByPolicy = "denied_by_policy",
        /// A person must approve first.
        NeedsApproval = "needs_approval",
        /// A budget of the run or the principal is used up.
        BudgetExhausted = "budget_exhausted",
        /// Runs are nested too deep.
        DepthExceeded = "depth_exceeded",
        /// Too many calls at once or in a window.
        RateLimited = "rate_limited",
        /// The agent repeats itself.
        Repetition = "repetition",
        /// The tool failed too often lately.
        BreakerOpen = "breaker_open",
        /// The segment is too old.
        CheckpointAndRefresh = "checkpoint_and_refresh",
        /// The run is paused.
        RunPaused = "run_paused",
        /// The run is halted.
        RunHalted = "run_halted",
        /// The kill switch is on.
        Killed = "killed",
        /// The call collides with another one.
        Conflict = "conflict",
        /// The idempotency key was used with other arguments.
        KeyMismatch = "key_mismatch",
        /// An earlier call with this key started and is not known to have ended.
        InDoubt = "in_doubt",
        /// The component on disk is not the one the policy names.
        ComponentChanged = "component_changed",
    }
);

codes!(
    /// The guest ran and failed, or what it returned cannot be used.
    Fault {
        /// The fuel budget is spent.
        OutOfFuel = "out_of_fuel",
        /// The call took too long.
        Deadline = "deadline",
        /// The guest asked for more memory than its limit.
        OutOfMemory = "out_of_memory",
        /// The guest trapped.
        Trap = "trap",
        /// The tool returned an error of its own.
        ToolError = "tool_error",
        /// The tool reports that a capability it needs was refused.
        CapabilityDenied = "capability_denied",
        /// The caller gave up.
        Cancelled = "cancelled",
        /// The kill switch stopped it.
        Killed = "killed",
        /// The output is not JSON or does not fit its schema.
        InvalidOutput = "invalid_output",
        /// The output is over its limit.
        OutputTooLarge = "output_too_large",
    }
);

codes!(
    /// The host failed; the call may or may not have had an effect, and the text says which.
    HostError {
        /// The ledger cannot be written, so nothing may run.
        LedgerUnavailable = "ledger_unavailable",
        /// A defect of the host, or a failing machine under it.
        Internal = "internal",
    }
);

/// Any reason code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reason {
    /// Refused before anything ran.
    Denial(Denial),
    /// The guest failed.
    Fault(Fault),
    /// The host failed.
    HostError(HostError),
}

impl Reason {
    /// The stable word. `killed` is one word for both kinds: nothing ran, or what ran was stopped.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denial(code) => code.as_str(),
            Self::Fault(code) => code.as_str(),
            Self::HostError(code) => code.as_str(),
        }
    }

    /// The kind of reason: `denial`, `fault` or `host_error`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Denial(_) => "denial",
            Self::Fault(_) => "fault",
            Self::HostError(_) => "host_error",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Denial> for Reason {
    fn from(code: Denial) -> Self {
        Self::Denial(code)
    }
}

impl From<Fault> for Reason {
    fn from(code: Fault) -> Self {
        Self::Fault(code)
    }
}

impl From<HostError> for Reason {
    fn from(code: HostError) -> Self {
        Self::HostError(code)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.as_str().to_owned()
    }
}

impl TryFrom<String> for Reason {
    type Error = String;
    /// Reads a word back. `killed` reads as the denial; readers that care look at the call's status.
    fn try_from(word: String) -> Result<Self, String> {
        let denial = Denial::ALL.iter().find(|code| code.as_str() == word).map(|code| Self::Denial(*code));
        let fault = || Fault::ALL.iter().find(|code| code.as_str() == word).map(|code| Self::Fault(*code));
        let host =
            || HostError::ALL.iter().find(|code| code.as_str() == word).map(|code| Self::HostError(*code));
        denial.or_else(fault).or_else(host).ok_or_else(|| format!("unknown reason code `{word}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_word() {
        let all =
            Denial::ALL.iter().map(|c| Reason::from(*c)).chain(Fault::ALL.iter().map(|c| Reason::from(*c)));
        for reason in all.chain(HostError::ALL.iter().map(|c| Reason::from(*c))) {
            let back = Reason::try_from(reason.as_str().to_owned()).unwrap();
            assert_eq!(back.as_str(), reason.as_str());
        }
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        assert!(Reason::try_from("nope".to_owned()).is_err());
    }
}
