//! Names from the client, made fit for a message of ours.
//!
//! Not here: the sanitizer, which cleans what guests make. Invariant: what comes out is printable ASCII
//! without quotes or spaces, and short, so it can neither pose as instructions nor hide anything.

/// The longest name that is echoed, in characters.
const NAME_CHARS_MAX: usize = 64;

/// A name as it may be echoed: letters, digits and `_ - . /`; anything else becomes `?`, and the rest is cut.
pub(super) fn short_name(raw: &str) -> String {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || "_-./".contains(c) { c } else { '?' }
    };
    let mut name: String = raw.chars().take(NAME_CHARS_MAX).map(fit).collect();
    if raw.chars().nth(NAME_CHARS_MAX).is_some() {
        name.push_str("...");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_echoed_name_is_short_and_plain(raw in "\\PC{0,200}") {
            let name = short_name(&raw);
            prop_assert!(name.len() <= NAME_CHARS_MAX + 3);
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./?".contains(c)));
        }
    }
}
