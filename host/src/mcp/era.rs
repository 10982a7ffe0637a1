//! Which of the two eras of the protocol a request belongs to.
//!
//! Modern (2026-07-28): stateless, every request says its version. Legacy (2025-11-25 and before): the
//! version is agreed once by `initialize`. One process serves both at once, as the 2026-07-28
//! specification allows ("Versioning", Backward Compatibility). Invariant: the era of a request is fixed
//! in the order the lines arrived, before any of them is worked on.

use super::text::short_name;
use rmcp::model::{ErrorCode, ErrorData, ProtocolVersion};
use serde_json::json;

/// The era of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// 2026-07-28: results carry `resultType`, lists their caching hints.
    Modern,
    /// 2025-11-25 and before.
    Legacy,
}

/// Every version served, newest first.
pub(super) const SUPPORTED: [ProtocolVersion; 5] = [
    ProtocolVersion::V_2026_07_28,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2024_11_05,
];

impl Era {
    /// The era of a version that a request names; [`unsupported`] when it is not served.
    pub(super) fn of_version(version: &str) -> Result<Self, ErrorData> {
        match SUPPORTED.iter().find(|served| served.as_str() == version) {
            Some(served) if served.has_initialize() => Ok(Self::Legacy),
            Some(_) => Ok(Self::Modern),
            None => Err(unsupported(version)),
        }
    }
}

/// The version that answers `initialize`: the one asked for where it is served that way, else the newest.
pub(super) fn negotiate(requested: &ProtocolVersion) -> ProtocolVersion {
    let served = SUPPORTED.iter().find(|served| served.has_initialize() && *served == requested);
    served.cloned().unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE)
}

fn unsupported(requested: &str) -> ErrorData {
    let data = json!({"supported": SUPPORTED, "requested": short_name(requested)});
    ErrorData::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_is_answered_with_what_was_asked_where_it_is_served_and_else_with_the_newest() {
        assert_eq!(negotiate(&ProtocolVersion::V_2025_06_18), ProtocolVersion::V_2025_06_18);
        assert_eq!(negotiate(&ProtocolVersion::V_2026_07_28), ProtocolVersion::V_2025_11_25);
        let unknown: ProtocolVersion = serde_json::from_value(json!("1900-01-01")).unwrap();
        assert_eq!(negotiate(&unknown), ProtocolVersion::V_2025_11_25);
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_list_of_served_ones() {
        let error = Era::of_version("1900-01-01\u{202e}").unwrap_err();
        let data = error.data.unwrap();
        assert_eq!((error.code.0, &data["requested"]), (-32022, &json!("1900-01-01?")));
        assert_eq!(data["supported"][0], "2026-07-28");
        assert_eq!(Era::of_version("2026-07-28").unwrap(), Era::Modern);
        assert_eq!(Era::of_version("2025-11-25").unwrap(), Era::Legacy);
    }
}
