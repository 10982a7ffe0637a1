//! The grants: one file per capability, each off until the policy names it.
//!
//! A capability that is not granted is still linked, since every language's standard library imports
//! it; then it is empty or predictable, and never traps for being ungranted. Not here: `log`, which
//! the call's context keeps, and the environment, which is a list of values and no more.

pub mod clock;
pub mod fs;
pub mod random;
