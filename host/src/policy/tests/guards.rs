//! `cost`, `charge`, `poll`, `rate`, `breaker` and `retry`, of a tool and in `[defaults]`.

use super::{codes, errors, policy, tool};
use crate::guard::settings::{Breaker, Rate, Retry, ToolGuards};

fn guards(text: &str) -> ToolGuards {
    ToolGuards::clone(&policy(text).tools["t"].guards)
}

#[test]
fn a_tool_that_says_nothing_has_the_built_in_guards() {
    assert_eq!(guards(&tool("")), ToolGuards::default());
    assert_eq!(policy(&tool("")).tools["t"].risk, 0);
}

#[test]
fn every_guard_of_a_tool_is_taken_with_its_unit() {
    let text = tool(
        "cost = '0.002'\ncharge = 0.1\npoll = '5s'\neffect = 'read-only'\nrate = { calls = 6, per = '1s' }\n\
         breaker = { failures = 3, percent = 50, window = '2m', cooldown = '90s' }\n\
         retry = { attempts = 4, base = '100ms', max = '2s', budget = 20 }\nrisk = 100",
    );
    let expected = ToolGuards {
        cost_micro_usd: 2_000,
        charge_micro_usd_max: 100_000,
        poll_ms: Some(5_000),
        rate: Some(Rate { calls: 6, per_ms: 1_000 }),
        breaker: Some(Breaker { failures: 3, percent: 50, window_ms: 120_000, cooldown_ms: 90_000 }),
        retry: Retry { attempts: 4, base_ms: 100, max_ms: 2_000, budget_percent: 20 },
    };
    assert_eq!(guards(&text), expected);
    assert_eq!(policy(&text).tools["t"].risk, 100);
}

#[test]
fn a_tools_guards_win_over_the_defaults_and_those_over_the_built_in_ones_key_by_key() {
    let defaults = "[defaults]\ncost = '0.01'\nrate = { calls = 9, per = '1m' }\n\
        breaker = { failures = 9, window = '5m' }\nretry = { attempts = 5, base = '1s' }\n";
    let inherited = guards(&(defaults.to_owned() + &tool("")));
    assert_eq!((inherited.cost_micro_usd, inherited.rate), (10_000, Some(Rate { calls: 9, per_ms: 60_000 })));
    let own = tool(
        "cost = 0\nrate = { calls = 1, per = '2s' }\nbreaker = { failures = 2 }\nretry = { attempts = 2 }",
    );
    let own = guards(&(defaults.to_owned() + &own));
    assert_eq!((own.cost_micro_usd, own.rate), (0, Some(Rate { calls: 1, per_ms: 2_000 })));
    let breaker = Breaker { failures: 2, window_ms: 300_000, ..Breaker::default() };
    assert_eq!(own.breaker, Some(breaker));
    assert_eq!(own.retry, Retry { attempts: 2, base_ms: 1_000, ..Retry::default() });
}

#[test]
fn a_breaker_and_retries_can_be_switched_off_and_on_again() {
    let off = guards(&tool("breaker = 'off'\nretry = 'off'"));
    assert_eq!((off.breaker, off.retry.attempts), (None, 1));
    let defaults = "[defaults]\nbreaker = 'off'\nretry = 'off'\n";
    let off = guards(&(defaults.to_owned() + &tool("")));
    assert_eq!((off.breaker, off.retry.attempts), (None, 1));
    let on = guards(&(defaults.to_owned() + &tool("breaker = {}\nretry = {}")));
    assert_eq!((on.breaker, on.retry), (Some(Breaker::default()), Retry::default()));
}

#[test]
fn a_base_above_the_built_in_longest_pause_lengthens_it() {
    assert_eq!(guards(&tool("retry = { base = '20s' }")).retry.max_ms, 20_000);
    assert_eq!(codes(&errors(&tool("retry = { base = '2s', max = '1s' }"))), ["4:30 empty_range"]);
}

#[test]
fn a_guard_at_its_least_and_at_its_most_is_taken_and_one_beyond_is_not() {
    for lines in [
        "cost = 0",
        "charge = '0.000000'",
        "poll = '24h'",
        "rate = { calls = 1000000, per = '1s' }",
        "breaker = { failures = 1000, percent = 100, window = '1h', cooldown = '24h' }",
        "breaker = { failures = 1, percent = 0, window = '1s', cooldown = '1ms' }",
        "retry = { attempts = 10, base = '1h', max = '1h', budget = 100 }",
        "retry = { attempts = 1, base = '1ms', max = '1ms', budget = 1 }",
        "risk = 0",
    ] {
        policy(&tool(lines));
    }
    for (lines, code) in [
        ("cost = -1", "wrong_value"),
        ("charge = '1000000000.01'", "limit_too_large"),
        ("poll = '0s'", "zero_limit"),
        ("poll = '25h'", "limit_too_large"),
        ("poll = true", "wrong_type"),
        ("rate = { calls = 0, per = '1m' }", "zero_limit"),
        ("rate = { calls = 1000001, per = '1m' }", "limit_too_large"),
        ("rate = { calls = 1, per = '0s' }", "zero_limit"),
        ("rate = { calls = 1, per = '999ms' }", "limit_too_small"),
        ("rate = { calls = 1, per = '61m' }", "limit_too_large"),
        ("rate = { calls = 1 }", "missing_key"),
        ("rate = { per = '1m' }", "missing_key"),
        ("rate = { calls = 1, per = '1m', burst = 2 }", "unknown_key"),
        ("rate = 'off'", "wrong_type"),
        ("breaker = { failures = 0 }", "zero_limit"),
        ("breaker = { failures = 1001 }", "limit_too_large"),
        ("breaker = { percent = 101 }", "wrong_value"),
        ("breaker = { percent = 0.5 }", "wrong_type"),
        ("breaker = { window = '999ms' }", "limit_too_small"),
        ("breaker = { window = '2h' }", "limit_too_large"),
        ("breaker = { cooldown = '0s' }", "zero_limit"),
        ("breaker = { cooldown = '25h' }", "limit_too_large"),
        ("breaker = 'on'", "wrong_value"),
        ("breaker = false", "wrong_type"),
        ("retry = { attempts = 0 }", "zero_limit"),
        ("retry = { attempts = 11 }", "limit_too_large"),
        ("retry = { base = '0ms' }", "zero_limit"),
        ("retry = { max = '2h' }", "limit_too_large"),
        ("retry = { budget = 0 }", "zero_limit"),
        ("retry = { budget = 101 }", "wrong_value"),
        ("retry = 3", "wrong_type"),
        ("risk = 101", "wrong_value"),
        ("risk = -1", "wrong_value"),
        ("risk = 'high'", "wrong_type"),
        ("[[tools.t.rule]]\nthen = 'ask'\nrisk = 300", "wrong_value"),
    ] {
        let found = errors(&tool(lines));
        let last = tool(lines).lines().count();
        assert_eq!(
            found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(),
            [(last, code)],
            "{lines}"
        );
        let in_defaults = ["charge", "poll", "risk", "["].iter().all(|key| !lines.starts_with(key));
        if in_defaults {
            let found = errors(&format!("[defaults]\n{lines}"));
            assert_eq!(
                found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(),
                [(2, code)],
                "{lines}"
            );
        }
    }
}

#[test]
fn an_unknown_key_of_a_guard_gets_the_nearest_right_one() {
    for (lines, right) in [
        ("retry = { attemps = 3 }", "attempts"),
        ("breaker = { cool_down = '1s' }", "cooldown"),
        ("rate = { call = 1, per = '1m' }", "calls"),
        ("approval = { expire = '1m' }", "expires"),
        ("fallback = { txt = 'a' }", "text"),
        ("brekaer = 'off'", "breaker"),
    ] {
        let found = errors(&tool(lines));
        let helps: Vec<_> = found.iter().filter_map(|one| one.help.as_deref()).collect();
        assert!(helps.contains(&&*format!("did you mean `{right}`?")), "{lines}: {found}");
    }
}

#[test]
fn what_can_be_off_says_so_where_another_word_stands() {
    let found = errors(&tool("breaker = 'of'"));
    let one = found.iter().next().unwrap();
    assert_eq!(
        (one.found.as_deref(), one.expected.as_deref()),
        (Some("`'of'`"), Some("`\"off\"` or a table"))
    );
    assert_eq!((one.line, one.column), (4, 11));
}
