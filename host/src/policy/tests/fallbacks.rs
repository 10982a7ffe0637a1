//! `fallback`: exactly one way out, to somewhere, and never in a circle.

use super::{codes, compiled, errors, policy, tool, warned};
use crate::policy::{Fallback, Instead, Template};
use proptest::prelude::*;
use serde_json::json;

fn fallback(lines: &str) -> Option<Fallback> {
    policy(&tool(lines)).tools["t"].fallback.clone()
}

/// Tools of these names that only read, each falling back to the other.
fn chain(pairs: &[(&str, &str)]) -> String {
    let section = |(name, target): &(&str, &str)| {
        format!(
            "[tools.{name}]\ncomponent = 'x.wasm'\nverdict = 'allow'\neffect = 'read-only'\nfallback = {{ tool = '{target}' }}\n"
        )
    };
    pairs.iter().map(section).collect()
}

#[test]
fn a_fallback_is_a_value_the_last_good_result_another_tool_or_a_text() {
    let instead = |lines: &str| fallback(lines).unwrap().instead;
    assert_eq!(
        instead("fallback = { value = { rates = [1, 1.5], fresh = false } }"),
        Instead::Value(json!({"rates": [1, 1.5], "fresh": false}))
    );
    assert_eq!(instead("fallback.value = 'n/a'"), Instead::Value(json!("n/a")));
    assert_eq!(
        instead("effect = 'read-only'\nfallback = { last_good = '1h' }"),
        Instead::LastGood { max_age_ms: 3_600_000 }
    );
    assert_eq!(
        instead("fallback = { text = 'Say so.' }"),
        Instead::Text(Template::parse("Say so.").unwrap())
    );
    let other = policy(&(chain(&[("a", "t")]) + &tool("effect = 'read-only'")));
    assert_eq!(other.tools["a"].fallback.as_ref().unwrap().instead, Instead::Tool("t".to_owned()));
}

#[test]
fn what_the_user_may_be_told_goes_with_any_of_them() {
    let taken = fallback("fallback = { value = 0, say = 'Rates are those of yesterday.' }").unwrap();
    assert_eq!(taken.say.as_deref(), Some("Rates are those of yesterday."));
    assert_eq!(fallback("fallback = { value = 0 }").unwrap().say, None);
}

#[test]
fn a_fallback_is_exactly_one_thing() {
    for (lines, found) in [
        ("fallback = {}", None),
        ("fallback = { say = 'x' }", None),
        ("fallback = { value = 1, text = 'x' }", Some("`value`, `text`")),
        ("fallback = { last_good = '1h', tool = 'u' }", Some("`last_good`, `tool`")),
    ] {
        let errors = errors(&tool(lines));
        assert_eq!(codes(&errors), ["4:1 bad_fallback"], "{lines}");
        assert_eq!(errors.iter().next().unwrap().found.as_deref(), found, "{lines}");
    }
}

#[test]
fn what_is_wrong_in_a_fallback_is_said_once() {
    for (lines, code) in [
        ("fallback = { last_good = '0s' }", "zero_limit"),
        ("fallback = { last_good = '721h' }", "limit_too_large"),
        ("fallback = { last_good = 5 }", "wrong_type"),
        ("fallback = { text = ' ' }", "wrong_value"),
        ("fallback = { value = 1, say = '' }", "wrong_value"),
        ("fallback = { value = 1979-05-27 }", "wrong_type"),
        ("fallback = { tool = 'other' }", "unknown_tool"),
        ("fallback = { tool = 't' }\neffect = 'read-only'", "fallback_cycle"),
        ("fallback = 'none'", "wrong_value"),
    ] {
        let found = errors(&tool(lines));
        assert_eq!(found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(), [(4, code)], "{lines}");
    }
    let long = |chars: usize| tool(&format!("fallback = {{ text = '{}' }}", "é".repeat(chars)));
    policy(&long(500));
    assert_eq!(codes(&errors(&long(501))), ["4:21 too_large"]);
}

#[test]
fn a_text_is_a_template_and_a_place_that_cannot_be_filled_in_is_underlined() {
    policy(&tool("fallback = { text = '{tool} is down ({reason}): {/city}, {{as it is}' }"));
    for (text, message) in [
        ("{tol} is down", "`{tol}` is no placeholder"),
        ("{} is down", "`{}` is no placeholder"),
        ("{tool is down", "`{` has no closing `}`"),
    ] {
        let text = tool(&format!("fallback = {{ text = '{text}' }}"));
        let found = errors(&text);
        assert_eq!(codes(&found), ["4:21 bad_template"], "{text}");
        let one = found.iter().next().unwrap();
        assert_eq!(one.message, message);
        assert!(text.get(one.span.clone()).unwrap().contains("down"), "{one:?}");
        let expected = one.expected.as_deref().unwrap();
        assert!(expected.contains("{tool}") && expected.contains("{/json/pointer}"), "{expected}");
    }
}

#[test]
fn an_unknown_tool_gets_the_nearest_name_and_is_not_blamed_for_the_errors_of_the_right_one() {
    let found = errors(&(chain(&[("a", "othr")]) + "[tools.other]\ncomponent = 'x.wasm'"));
    assert_eq!(codes(&found), ["5:21 unknown_tool"]);
    assert_eq!(found.iter().next().unwrap().help.as_deref(), Some("did you mean `other`?"));
    let found = errors(&(chain(&[("a", "other")]) + "[tools.other]\nverdict = 'allow'"));
    assert_eq!(codes(&found), ["6:8 missing_key"]);
}

#[test]
fn a_circle_is_told_once_with_its_whole_way() {
    let found = errors(&chain(&[("a", "b"), ("b", "c"), ("c", "b")]));
    assert_eq!(codes(&found), ["10:21 fallback_cycle"]);
    assert_eq!(found.iter().next().unwrap().message, "falling back never ends: b → c → b");
    policy(&(chain(&[("a", "b"), ("b", "t"), ("c", "t")]) + &tool("effect = 'read-only'")));
}

#[test]
fn a_tool_that_does_more_than_read_is_no_fallback() {
    for effect in ["effect = 'idempotent'", "effect = 'keyed'", "effect = 'once'", ""] {
        let found = errors(&(chain(&[("a", "t")]) + &tool(effect)));
        assert_eq!(codes(&found), ["5:21 fallback_with_effect"], "{effect}");
        let one = found.iter().next().unwrap();
        assert!(one.message.starts_with("`t` is not read-only"), "{}", one.message);
        assert!(one.help.as_deref().is_some_and(|help| help.contains("[tools.t]")), "{one:?}");
    }
}

#[test]
fn a_tool_that_can_run_without_a_fallback_is_a_warning_unless_that_is_said_to_be_meant() {
    assert_eq!(codes(&compiled(&tool("verdict = 'ask'")).warnings), ["1:8 no_fallback"]);
    assert!(compiled(&tool("verdict = 'ask'\nfallback = 'off'")).warnings.is_empty());
    assert!(compiled(&tool("verdict = 'ask'\nfallback = { text = 'x' }")).warnings.is_empty());
    assert!(compiled(&tool("")).warnings.is_empty());
    assert_eq!(fallback("fallback = 'off'"), None);
}

#[test]
fn a_last_good_result_of_what_was_not_read_only_and_a_tool_that_never_runs_are_warnings() {
    let last_good = |effect: &str| tool(&format!("effect = '{effect}'\nfallback = {{ last_good = '1h' }}"));
    assert_eq!(warned(&last_good("idempotent")), ["5:26 last_good_with_effect"]);
    assert!(warned(&last_good("read-only")).is_empty());
    let text = format!(
        "{}[tools.a]\ncomponent = 'a.wasm'\nsha256 = '{}'\nfallback = {{ tool = 't' }}",
        tool("effect = 'read-only'"),
        "1".repeat(64)
    );
    assert_eq!(warned(&text), ["8:21 never_reached"]);
}

proptest! {
    /// Against walking every way to its end.
    #[test]
    fn a_circle_is_found_exactly_where_a_way_does_not_end(targets in prop::collection::vec(0..9_usize, 1..8)) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let known = targets.len();
        let sections: String = targets.iter().enumerate().map(|(at, target)| {
            let fallback = if *target < known { format!("{{ tool = '{}' }}", names[*target]) } else { "'off'".to_owned() };
            format!("[tools.{}]\ncomponent = 'x.wasm'\neffect = 'read-only'\nfallback = {fallback}\n", names[at])
        }).collect();
        let ends = |first: usize| {
            let mut at = first;
            (0..=known).any(|_| { at = targets.get(at).copied().unwrap_or(known); at >= known })
        };
        let endless = (0..known).any(|at| !ends(at));
        match crate::policy::compile(&sections, "p.toml", &|_| None) {
            Ok(_) => prop_assert!(!endless),
            Err(found) => {
                prop_assert!(endless);
                prop_assert!(found.iter().all(|one| one.code == "fallback_cycle"), "{}", found);
            }
        }
    }
}
