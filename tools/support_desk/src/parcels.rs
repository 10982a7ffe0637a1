//! `track_parcel`: what the carrier last saw of a parcel. Not the order's own status: `find_order` has that.
//!
//! Invariant: the carrier's folder is only read; while it holds the note `down`, nothing else in it is.

use crate::DESK;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use toolgate_sdk::{Failure, tool};

/// What the carrier last saw of a parcel.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Parcel {
    order_id: String,
    /// Such as: on its way.
    state: String,
    /// Where it was seen.
    place: String,
    /// The day, as 2026-11-16.
    seen: String,
}

/// Asks the carrier where the parcel of an order is. The carrier is another company, and sometimes down.
#[tool(needs(fs))]
pub(crate) fn track_parcel(
    /// As A-1001.
    #[schemars(regex(pattern = "^A-[0-9]{4}$"))]
    order_id: String,
) -> Result<Parcel, Failure> {
    track(&Path::new(DESK).join("carrier"), &order_id)
}

fn track(carrier: &Path, order_id: &str) -> Result<Parcel, Failure> {
    let silent = || Failure::unavailable("the carrier does not answer: try again later, or go on without it");
    if carrier.join("down").exists() {
        return Err(silent());
    }
    let text = fs::read_to_string(carrier.join("parcels.json")).map_err(|_| silent())?;
    let parcels: Vec<Parcel> = serde_json::from_str(&text)
        .map_err(|error| Failure::internal(format!("the carrier's answer cannot be read: {error}")))?;
    parcels.into_iter().find(|parcel| parcel.order_id == order_id).ok_or_else(|| {
        Failure::not_found(format!("the carrier has no parcel of order `{order_id}`: it has not been sent"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_sdk::FailureKind;

    /// The demo's own file.
    const PARCELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/desk/carrier/parcels.json");

    #[test]
    fn a_parcel_is_found_by_its_order_while_the_carrier_answers() {
        let carrier = tempfile::tempdir().expect("a folder");
        fs::copy(PARCELS, carrier.path().join("parcels.json")).expect("the parcels");
        assert_eq!(track(carrier.path(), "A-1002").expect("a parcel").state, "on its way");
        assert_eq!(track(carrier.path(), "A-1006").expect_err("not sent").kind, FailureKind::NotFound);
        fs::write(carrier.path().join("down"), "").expect("a note");
        assert_eq!(track(carrier.path(), "A-1002").expect_err("down").kind, FailureKind::Unavailable);
    }

    #[test]
    fn a_carrier_without_its_file_does_not_answer() {
        let carrier = tempfile::tempdir().expect("a folder");
        assert_eq!(track(carrier.path(), "A-1002").expect_err("no file").kind, FailureKind::Unavailable);
    }
}
