//! Run and call ids: a fixed prefix and a UUIDv7 (RFC 9562), so that ids sort by the time they were made.
//!
//! Not here: where time and entropy come from; the caller hands both in. Invariant: an id that exists
//! in memory is well formed, so it can be printed and stored without escaping.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {kind} id: expected `{prefix}` and 32 lowercase hex digits")]
pub struct BadId {
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Builds an id from a Unix time in milliseconds and 10 random bytes.
            pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
            }

            /// The id with these 16 bytes, as `as_bytes` gave them.
            pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes of the UUID.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let bad = BadId { kind: $kind, prefix: $prefix };
                let hex = text.strip_prefix($prefix).ok_or(bad.clone())?;
                let plain = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                match Uuid::try_parse(hex) {
                    Ok(uuid) if plain => Ok(Self(uuid)),
                    _ => Err(bad),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id!(
    /// One agent task: the unit of budget, replay and kill. Printed as `run_` and 32 hex digits.
    RunId, "run_", "a run"
);
id!(
    /// One trip through the pipeline. Printed as `call_` and 32 hex digits.
    CallId, "call_", "a call"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_printed_form() {
        let id = RunId::new(1_700_000_000_000, [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        assert!(CallId::new(1, [255; 10]) < CallId::new(2, [0; 10]));
    }

    #[test]
    fn anything_else_is_refused() {
        let hex = "0".repeat(32);
        for text in [
            "",
            "run_",
            "call_x",
            &format!("call_{hex}"),
            &format!("run_{hex}0"),
            &format!("run_{}", "A".repeat(32)),
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
