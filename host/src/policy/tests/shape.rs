//! What a text must look like, and what is said where it does not.

use super::{codes, compiled, errors, tool, warned};
use crate::policy::document::{later_keys, misplaced_keys};
use crate::policy::{POLICY_BYTES_MAX, compile};

#[test]
fn an_empty_policy_has_no_tools_and_every_default() {
    let policy = compiled("").policy;
    assert!(policy.tools.is_empty());
    assert_eq!((policy.host.principal.as_str(), policy.host.queue), ("default", 256));
}

#[test]
fn every_error_is_reported_and_not_just_the_first() {
    let text = "hots = 1\n[host]\nprincipel = 'x'\nconcurrency = 0\nqueue = -1\n[defaults.limits]\n\
        fuel = 0\nmemory = 64\n[tools.a]\ncomponent = 'a.wasm'\nverdict = 'alow'\n[tools.b]\n";
    let expected = [
        "1:1 unknown_key",
        "3:1 unknown_key",
        "4:15 zero_limit",
        "5:9 wrong_value",
        "7:8 zero_limit",
        "8:10 wrong_type",
        "11:11 unknown_word",
        "12:8 missing_key",
    ];
    assert_eq!(codes(&errors(text)), expected);
}

#[test]
fn an_unknown_key_is_named_with_what_was_expected_and_the_nearest_right_one() {
    let found = errors("[tools.t]\ncomponent = 't.wasm'\nverdit = 'allow'\n");
    let one = found.iter().next().unwrap();
    assert_eq!(one.found.as_deref(), Some("`verdit`"));
    assert!(one.expected.as_ref().unwrap().contains("`verdict`"));
    assert_eq!(one.help.as_deref(), Some("did you mean `verdict`?"));
    assert_eq!(one.span, 31..37);
}

#[test]
fn a_key_of_a_later_version_is_refused_as_such() {
    for (text, key) in [
        ("[[tools.t.grants.http]]\n[tools.t]\ncomponent = 'x'", "http"),
        ("[tools.t.grants]\nsecret = []\n[tools.t]\ncomponent = 'x'", "secret"),
    ] {
        let found = errors(text);
        let one = found.iter().next().unwrap();
        assert_eq!(
            (one.code, one.message.as_str()),
            ("unsupported_key", &*format!("`{key}` is not supported by this version")),
            "{text}"
        );
    }
}

#[test]
fn no_key_of_a_later_version_is_also_a_key_of_its_section() {
    for (section, keys) in later_keys() {
        let known = keys_of(section);
        assert!(keys.iter().all(|key| !known.contains(&(*key).to_owned())), "{section}");
    }
}

#[test]
fn a_key_in_the_wrong_section_is_sent_to_the_one_that_has_it() {
    for (section, keys, home) in misplaced_keys() {
        let here = keys_of(section);
        let there = keys_of(match *home {
            "run" => "Run",
            "run.budgets" => "Budgets",
            "defaults" => "Defaults",
            other => panic!("no section {other}"),
        });
        for key in *keys {
            assert!(
                !here.contains(&(*key).to_owned()) && there.contains(&(*key).to_owned()),
                "{section} {key}"
            );
        }
    }
    for (text, right) in [
        ("[run]\nsteps = 5", "run.budgets.steps"),
        ("budgets = {}", "run.budgets"),
        ("[retry]\nattempts = 1", "defaults.retry"),
        ("[defaults.limits]\ntokens = 1", "run.budgets.tokens"),
    ] {
        let found = errors(text);
        let one = found.iter().next().unwrap();
        let help = format!("did you mean `{right}`?");
        assert_eq!((one.code, one.help.as_deref()), ("unknown_key", Some(&*help)), "{text}");
    }
}

/// The keys of a section, by the name of its type.
fn keys_of(section: &str) -> Vec<String> {
    let schema = crate::policy::json_schema();
    let properties = match section {
        "Document" => &schema["properties"],
        name => &schema["$defs"][name]["properties"],
    };
    properties.as_object().unwrap_or_else(|| panic!("no section {section}")).keys().cloned().collect()
}

#[test]
fn text_that_is_not_toml_is_an_error_where_it_stops_being_that() {
    assert_eq!(codes(&errors("[host]\nprincipal = \n")), ["2:13 syntax"]);
    assert_eq!(codes(&errors("[host]\n[host]\n")), ["2:2 syntax"]);
}

#[test]
fn bottomless_nesting_is_an_error() {
    for text in [
        "a.".repeat(90_000) + "a = 1",
        "a = ".to_owned() + &"[".repeat(90_000),
        "a = ".to_owned() + &"{a=".repeat(90_000),
    ] {
        assert!(errors(&text).iter().all(|one| one.code == "syntax"));
    }
}

#[test]
fn a_text_at_the_size_limit_is_read_and_one_byte_more_is_not() {
    let text = "#".repeat(POLICY_BYTES_MAX);
    compiled(&text);
    assert_eq!(codes(&errors(&(text + "#"))), ["0:0 too_large"]);
}

#[test]
fn a_control_character_in_a_key_never_reaches_a_message() {
    let found = errors("\"\\u001b[31m\" = 1");
    assert!(!found.to_string().contains('\u{1b}'), "{found}");
}

#[test]
fn a_missing_key_is_not_reported_when_it_is_there_and_wrong() {
    assert_eq!(codes(&errors("[tools.t]\ncomponent = 5")), ["2:13 wrong_type"]);
    assert_eq!(codes(&errors("[tools.t]\ncomponent = '${NONE}'")), ["2:13 unset_variable"]);
}

#[test]
fn dates_and_numbers_out_of_range_are_no_values() {
    let with = |value: &str| {
        tool(&format!("rule = [{{ then = 'allow', when = [{{ pointer = '/n', equals = {value} }}] }}]"))
    };
    assert_eq!(codes(&errors(&with("1979-05-27"))), ["4:62 wrong_type"]);
    for value in ["inf", "nan", "9223372036854775808", "1e999"] {
        assert_eq!(codes(&errors(&with(value))), ["4:62 number_out_of_range"], "{value}");
    }
}

#[test]
fn no_number_of_errors_makes_reading_endless() {
    let text: String = (0..500).map(|at| format!("k{at} = 1\n")).collect();
    assert_eq!(errors(&text).iter().count(), 50);
}

#[test]
fn variables_are_filled_in_and_a_missing_one_is_an_error() {
    let text = "[host]\nledger = '${WORK}/l.db'\ncache = '${EMPTY:-c}'";
    let policy = compiled(text).policy;
    assert_eq!(policy.host.ledger.to_str(), Some("/srv/work/l.db"));
    assert_eq!(policy.host.cache.to_str(), Some("c"));
    let found = errors("[host]\nledger = '${EMPTY}/l.db'");
    assert!(found.to_string().contains("`EMPTY` is not set"), "{found}");
}

#[test]
fn an_environment_value_of_the_wrong_shape_never_shows() {
    let env = |_: &str| Some("hunter2".to_owned());
    let text = tool("verdict = '${A}'\neffect = 5\ntrust = '${B}'\nlimits.deadline = '${C}'");
    let found = compile(&text, "p.toml", &env).unwrap_err();
    assert_eq!(found.iter().count(), 4);
    assert!(!found.to_string().contains("hunter2"), "{found}");
}

#[test]
fn the_digest_changes_with_the_text_and_with_the_environment_it_reads() {
    let digest = |text: &str, value: &str| {
        let env = |_: &str| Some(value.to_owned());
        compile(text, "p.toml", &env).unwrap().policy.digest
    };
    let text = "[host]\nprincipal = '${WHO}'";
    assert_eq!(digest(text, "a"), digest(text, "a"));
    assert_ne!(digest(text, "a"), digest(text, "b"));
    assert_ne!(digest(text, "a"), digest(&format!("{text} "), "a"));
    assert_eq!(digest("[host]", "a"), digest("[host]", "b"));
}

#[test]
fn a_policy_that_would_take_long_to_check_is_refused_or_said_not_to_be() {
    let rules = |count: usize| "[[tools.t.rule]]\nthen = 'ask'\n".repeat(count);
    assert_eq!(errors(&tool(&rules(4_001))).iter().next().unwrap().code, "too_large");
    let folders: String =
        (0..65).map(|at| format!("[[tools.t.grants.fs]]\nhost = 'h{at}'\nguest = '/g{at}'\n")).collect();
    assert_eq!(errors(&tool(&folders)).iter().next().unwrap().code, "too_large");
    let values = "1,".repeat(10_000);
    let long =
        tool(&format!("[[tools.t.rule]]\nthen = 'ask'\nwhen = [{{ pointer = '/a', in = [{values}] }}]"));
    assert_eq!(warned(&long), ["1:8 reach_not_checked"]);
}
