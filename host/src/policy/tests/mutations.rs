//! Arbitrary and damaged text: never a panic, always the same answer, every place inside the text.

use super::environment;
use crate::policy::{Diagnostics, cases, compile, dependencies};
use proptest::prelude::*;
use serde_json::json;

const VALID: &[&str] = &[
    include_str!("../../../../policies/workspace-write.toml"),
    include_str!("../../../../policies/control-plane.toml"),
];
const WORDS: &[&str] = &[
    "\n[tools.t]\n",
    "\n[[tools.t.rule]]\n",
    "component",
    "verdict",
    "=",
    "'allow'",
    "\"${X:-y}\"",
    "${",
    "}",
    "when",
    "[{ pointer = '/a', ",
    "equals = 1",
    "matches = '('",
    "range = { min = 1 }",
    "}]",
    "then = 'deny'",
    "limits",
    ".",
    "fuel = '1G'",
    "0",
    "-1",
    "1e400",
    "nan",
    "grants.fs",
    "[[tools.t.grants.fs]]",
    "guest = '/..'",
    "\u{feff}",
    "é",
    "#",
    "1979-05-27",
    "true",
    "\"\\u0000\"",
    "{",
    "]",
    "tools = ",
    "host",
    "\r\n",
    "'''",
    "run.from = 'env:'",
    "[run.budgets]\n",
    "[spend]\n",
    "[defaults]\n",
    "[escalation]\n",
    "cost = '0.000001'",
    "charge = 1e-9",
    "steps = 99",
    "risk = 101",
    "breaker = 'off'",
    "retry = { attempts = 1 }",
    "rate = { calls = 1, per = '1m' }",
    "poll = '1ms'",
    "approval = { ambiguity = 0.5 }",
    "fallback = { tool = 't' }",
    "fallback = { value = ",
    "last_good = '1h'",
];

#[track_caller]
fn read(text: &str) {
    let first = compile(text, "p.toml", &environment);
    let second = compile(text, "p.toml", &environment);
    match (first, second) {
        (Ok(a), Ok(b)) => {
            assert_eq!(format!("{:?}", a.policy), format!("{:?}", b.policy));
            assert!(!a.warnings.has_errors());
            inside(text, &a.warnings);
            for tool in a.policy.tools.keys() {
                a.policy.explain(tool, &json!({"path": "/work/a", "n": 1}));
            }
            assert_eq!(dependencies(&a.policy).len(), a.policy.tools.len());
        }
        (Err(a), Err(b)) => {
            assert_eq!(a, b);
            assert!(a.has_errors());
            inside(text, &a);
        }
        _ => panic!("not the same twice"),
    }
    let _ = cases::parse(text, &environment);
}

#[track_caller]
fn inside(text: &str, diagnostics: &Diagnostics) {
    for one in diagnostics {
        assert!(text.get(one.span.clone()).is_some(), "{one:?}");
        assert!(one.line >= 1 && one.column >= 1, "{one:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn arbitrary_policy_words_never_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        read(&words.concat());
    }

    #[test]
    fn a_damaged_policy_never_panics(
        valid in prop::sample::select(VALID),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(WORDS)), 1..4),
    ) {
        let mut text: Vec<char> = valid.chars().collect();
        for (at, length, word) in cuts {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, word.chars());
        }
        read(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_policy_cut_short_never_panics(
        valid in prop::sample::select(VALID),
        at in any::<prop::sample::Index>(),
    ) {
        let kept = at.index(valid.chars().count());
        read(&valid.chars().take(kept).collect::<String>());
    }
}
