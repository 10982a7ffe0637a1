//! Exact arithmetic with units, and dates. Not a clock: nothing here knows what day it is, so the same
//! arguments always give the same answer.
//!
//! Invariant: a result is exact, or says that it is not.

mod calculate;
mod dates;

toolgate_sdk::component!(calculate::calculate, dates::add_to_date, dates::date_difference,);
