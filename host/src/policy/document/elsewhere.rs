//! Keys that belong to another section than the one where they were written.
//!
//! The nearest right key of such a one is the same word in its own section. Invariant: no key here is a
//! key of the section where it stands, and each is one of the section that it is sent to (a test in the
//! room keeps it so).

/// The section that has this key, for one that does not (the name of its type).
pub(super) fn home(section: &str, key: &str) -> Option<&'static str> {
    let found = ELSEWHERE.iter().find(|(name, keys, _)| *name == section && keys.contains(&key));
    found.map(|(_, _, home)| *home)
}

/// All of them: the section's type, its keys, where they belong. For the test that keeps them right.
#[cfg(test)]
pub(in crate::policy) fn misplaced_keys() -> &'static [(&'static str, &'static [&'static str], &'static str)]
{
    ELSEWHERE
}

const BUDGETS: &[&str] =
    &["steps", "proposals", "cost", "tokens", "wall_time", "fuel", "host_calls", "output"];

const ELSEWHERE: &[(&str, &[&str], &str)] = &[
    ("Document", &["budgets", "refusals_in_a_row", "depth", "segment", "review"], "run"),
    ("Document", &["limits", "cost", "rate", "breaker", "retry", "approval"], "defaults"),
    ("Run", BUDGETS, "run.budgets"),
    ("Limits", &["steps", "proposals", "cost", "tokens", "host_calls"], "run.budgets"),
];
