//! Capabilities: the kinds of power that a tool can need and a policy can grant.
//!
//! The same closed list as `capability` in `sdk/wit/toolgate.wit`. Not here: what a grant narrows.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Folders of the host.
    Fs,
    /// Requests to other machines; no grant for it in this version.
    Http,
    /// Environment values.
    Env,
    /// Secrets that the host sends on the guest's behalf; no grant for it in this version.
    Secret,
    /// The real time.
    Clock,
    /// Real entropy.
    Random,
    /// Lines for the operator.
    Log,
}

impl Capability {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 7] =
        [Self::Fs, Self::Http, Self::Env, Self::Secret, Self::Clock, Self::Random, Self::Log];

    /// The stable word, the same as the key under `grants`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fs => "fs",
            Self::Http => "http",
            Self::Env => "env",
            Self::Secret => "secret",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Log => "log",
        }
    }

    /// True when a policy of this version can grant it.
    pub fn is_grantable(self) -> bool {
        !matches!(self, Self::Http | Self::Secret)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown capability `{0}`: expected fs, http, env, secret, clock, random or log")]
pub struct UnknownCapabilityError(String);

impl FromStr for Capability {
    type Err = UnknownCapabilityError;
    fn from_str(word: &str) -> Result<Self, UnknownCapabilityError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == word);
        found.ok_or_else(|| UnknownCapabilityError(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_reads_back_from_its_word() {
        for one in Capability::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
        }
    }

    #[test]
    fn an_unknown_capability_is_an_error() {
        assert!("network".parse::<Capability>().is_err());
    }
}
