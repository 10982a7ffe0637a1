//! Amounts of money, exact to the cent. Not currencies: the desk has one.
//!
//! Invariant: an amount is a whole number of cents.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The greatest amount: every number of cents up to it is exact in JSON's numbers.
const CENTS_MAX: f64 = 1e12;

/// An amount, in JSON a number of euros such as 19.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cents(pub(crate) u64);

impl Cents {
    /// Euros with at most two decimals, not negative.
    pub(crate) fn from_euros(euros: f64) -> Option<Self> {
        let cents = (euros * 100.0).round();
        let whole = (cents / 100.0 - euros).abs() < 1e-9;
        if !whole || !(0.0..=CENTS_MAX).contains(&cents) {
            return None;
        }
        format!("{cents:.0}").parse().ok().map(Self)
    }

    /// As people write it: `19.90 EUR`.
    pub(crate) fn text(self) -> String {
        format!("{}.{:02} EUR", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let euros = format!("{}.{:02}", self.0 / 100, self.0 % 100).parse::<f64>();
        serializer.serialize_f64(euros.unwrap_or(f64::MAX))
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let euros = f64::deserialize(deserializer)?;
        Self::from_euros(euros).ok_or_else(|| de::Error::custom("expected euros with at most two decimals"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_up_to_a_hundred_thousand_euros_survives_json() {
        for cents in (0..10_000_000).step_by(71) {
            let json = serde_json::to_string(&Cents(cents)).expect("JSON");
            assert_eq!(serde_json::from_str::<Cents>(&json).expect("an amount"), Cents(cents), "{json}");
        }
    }

    #[test]
    fn parts_of_a_cent_and_debts_are_no_amounts() {
        for euros in [0.001, 19.999, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(Cents::from_euros(euros), None, "{euros}");
        }
        assert_eq!(Cents::from_euros(0.29), Some(Cents(29)));
        assert_eq!(Cents(1_990).text(), "19.90 EUR");
    }
}
