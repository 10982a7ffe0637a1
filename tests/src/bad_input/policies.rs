//! Any text as a policy.

use crate::support::gate::repository;
use proptest::prelude::*;
use toolgate::policy::{POLICY_BYTES_MAX, compile};

fn shipped() -> Vec<String> {
    let folder = repository().join("policies");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let toml = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    toml.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Compiling ends, and every diagnostic points into the text.
fn compiles_or_says_why(text: &str) -> Result<(), TestCaseError> {
    let found = match compile(text, "any.toml", &|_| None) {
        Ok(compiled) => compiled.warnings,
        Err(errors) => {
            prop_assert!(errors.has_errors(), "refused without an error");
            errors
        }
    };
    for one in found.iter() {
        prop_assert!(
            one.span.start <= one.span.end && one.span.end <= text.len().max(1),
            "{:?} of {}",
            one,
            text.len()
        );
        prop_assert!(text.get(one.span.clone()).is_some() || one.span.start >= text.len(), "{:?}", one);
        prop_assert!(
            !one.message.is_empty() && !one.message.chars().any(char::is_control),
            "{:?}",
            one.message
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_policy_or_says_why_not(text in "\\PC{0,300}") {
        compiles_or_says_why(&text)?;
    }

    #[test]
    fn any_damage_to_a_shipped_policy_is_said_with_its_place(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "\\PC{0,8}|\\[|\\]|\"|=|\n|\\$\\{|0|-1|9999999999999999999999"), 1..5),
    ) {
        let policies = shipped();
        let mut text = which.get(&policies).clone();
        for (from, to, put) in damages {
            let at = |index: prop::sample::Index| {
                let mut at = index.index(text.len() + 1);
                while !text.is_char_boundary(at) { at -= 1; }
                at
            };
            let (from, to) = (at(from), at(to));
            let to = to.clamp(from, (from + 12).min(text.len()));
            let to = (from..=to).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
            text.replace_range(from..to, &put);
        }
        compiles_or_says_why(&text)?;
    }

    #[test]
    fn a_policy_cut_anywhere_is_a_policy_or_says_why_not(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let policies = shipped();
        let text = which.get(&policies);
        let mut end = at.index(text.len() + 1);
        while !text.is_char_boundary(end) { end -= 1; }
        compiles_or_says_why(&text[..end])?;
    }
}

#[test]
fn a_policy_at_the_size_limit_is_read_and_one_byte_more_is_refused() {
    let of = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert!(compile(&of(POLICY_BYTES_MAX), "big.toml", &|_| None).is_ok());
    let errors = compile(&of(POLICY_BYTES_MAX + 1), "big.toml", &|_| None).unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code, "too_large");
}

#[test]
fn nesting_that_would_overflow_a_stack_is_refused() {
    for text in [
        format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a = {}", "{b = ".repeat(50_000)),
        format!("[{}]", vec!["a"; 100_000].join(".")),
    ] {
        assert!(compile(&text, "deep.toml", &|_| None).is_err());
    }
}
