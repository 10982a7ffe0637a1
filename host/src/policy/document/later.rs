//! Keys of the design that this version does not enforce, and therefore does not accept.
//!
//! They are told apart from misspellings, so that a policy written for a later version gets a clear
//! answer. Invariant: no key here is also a key of its section (a test in the room keeps it so).

/// True when a later version reads this key in this section (the name of the section's type).
pub(super) fn is_later_key(section: &str, key: &str) -> bool {
    LATER.iter().any(|(name, keys)| *name == section && keys.contains(&key))
}

/// All of them, for the test that keeps them apart from what is supported.
#[cfg(test)]
pub(in crate::policy) fn later_keys() -> &'static [(&'static str, &'static [&'static str])] {
    LATER
}

const LATER: &[(&str, &[&str])] = &[
    ("Tool", &["http", "secret", "secrets"]),
    ("Grants", &["http", "secret", "secrets", "net", "network"]),
    ("Sanitize", &["redact", "secrets", "injection", "markup", "patterns"]),
];
