//! `[run]` and `[spend]`: what a run and a principal may spend.

use super::{codes, errors, policy, warned};
use crate::guard::settings::{Budgets, Rate, RunGuards, SpendGuards};

fn budgets(lines: &str) -> String {
    format!("[run.budgets]\n{lines}")
}

#[test]
fn a_policy_that_says_nothing_has_the_built_in_guards() {
    let policy = policy("");
    assert_eq!(*policy.run.guards, RunGuards::default());
    assert_eq!(*policy.spend, SpendGuards::default());
    let Budgets { steps, proposals, cost_micro_usd, .. } = policy.run.guards.budgets;
    assert_eq!((steps, proposals, cost_micro_usd), (20, 50, 500_000));
}

#[test]
fn every_key_of_a_run_and_its_budgets_is_taken_with_its_unit() {
    let text = "[run]\n\
        budgets = { steps = 21, proposals = 51, cost = '0.75', tokens = 100_000, wall_time = '10m', \
        fuel = 5_000_000_000, host_calls = 10_000, output = '4MiB' }\n\
        refusals_in_a_row = 6\ndepth = 7\nsegment = '2h'\nreview = false\nrepetition = false\nrate = { calls = 60, per = '1m' }";
    let expected = RunGuards {
        budgets: Budgets {
            steps: 21,
            proposals: 51,
            cost_micro_usd: 750_000,
            tokens: Some(100_000),
            wall_ms: Some(600_000),
            fuel: Some(5_000_000_000),
            host_calls: Some(10_000),
            output_bytes: Some(4 << 20),
        },
        refusals_in_a_row: 6,
        depth: 7,
        segment_ms: 7_200_000,
        review: false,
        repetition: false,
        rate: Some(Rate { calls: 60, per_ms: 60_000 }),
    };
    assert_eq!(*policy(text).run.guards, expected);
}

#[test]
fn every_key_of_spend_is_taken() {
    let text = "[spend]\nhour = '5.25'\nday = 50.5\nhour_steps = 1000\nrate = { calls = 9, per = '1h' }";
    let expected = SpendGuards {
        hour_micro_usd: 5_250_000,
        day_micro_usd: 50_500_000,
        hour_steps: Some(1_000),
        rate: Some(Rate { calls: 9, per_ms: 3_600_000 }),
    };
    assert_eq!(*policy(text).spend, expected);
}

#[test]
fn money_is_a_string_an_integer_or_a_float_and_means_the_same() {
    for written in ["'0.1'", "0.1", "1e-1", "'0.10'", "'0.100000'"] {
        let cost = policy(&budgets(&format!("cost = {written}"))).run.guards.budgets.cost_micro_usd;
        assert_eq!(cost, 100_000, "{written}");
    }
    assert_eq!(policy("[spend]\nday = 7").spend.day_micro_usd, 7_000_000);
    for written in ["'$5'", "'5 USD'", "'0.0000001'", "0.0000001", "-1", "-0.5", "'1e3'", "'.5'", "''"] {
        let found = errors(&budgets(&format!("cost = {written}")));
        let one = found.iter().next().unwrap();
        assert_eq!((one.line, one.column, one.code), (2, 8, "wrong_value"), "{written}");
        assert!(one.expected.as_ref().unwrap().contains("six decimals"), "{one:?}");
    }
    assert_eq!(codes(&errors(&budgets("cost = true"))), ["2:8 wrong_type"]);
}

#[test]
fn a_budget_at_its_least_and_at_its_most_is_taken_and_one_beyond_is_not() {
    for lines in [
        "steps = 1",
        "proposals = 1000000000000",
        "cost = '0.000001'",
        "cost = 1000000000",
        "tokens = 1",
        "wall_time = '720h'",
        "fuel = 1",
        "host_calls = 1",
        "output = '1B'",
    ] {
        policy(&budgets(lines));
    }
    for (lines, code) in [
        ("steps = 0", "zero_limit"),
        ("proposals = 0", "zero_limit"),
        ("cost = '0.00'", "zero_limit"),
        ("cost = 0", "zero_limit"),
        ("tokens = 0", "zero_limit"),
        ("wall_time = '0m'", "zero_limit"),
        ("fuel = '0G'", "zero_limit"),
        ("host_calls = 0", "zero_limit"),
        ("output = '0B'", "zero_limit"),
        ("steps = 1000000000001", "limit_too_large"),
        ("cost = '1000000000.000001'", "limit_too_large"),
        ("wall_time = '721h'", "limit_too_large"),
        ("output = '1048577GiB'", "limit_too_large"),
        ("steps = 1.5", "wrong_type"),
        ("wall_time = 10", "wrong_type"),
        ("stepz = 1", "unknown_key"),
    ] {
        let found: Vec<_> = errors(&budgets(lines)).iter().map(|one| (one.line, one.code)).collect();
        assert_eq!(found, [(2, code)], "{lines}");
    }
}

#[test]
fn a_run_and_its_principal_are_bounded_too() {
    for (text, code) in [
        ("[run]\nrefusals_in_a_row = 0", "zero_limit"),
        ("[run]\nrefusals_in_a_row = 1001", "limit_too_large"),
        ("[run]\ndepth = 0", "zero_limit"),
        ("[run]\ndepth = 65", "limit_too_large"),
        ("[run]\nsegment = '0s'", "zero_limit"),
        ("[run]\nsegment = '721h'", "limit_too_large"),
        ("[run]\nreview = 'yes'", "wrong_type"),
        ("[run]\nrate = { calls = 0, per = '1m' }", "zero_limit"),
        ("[run]\nrate = { calls = 5 }", "missing_key"),
        ("[spend]\nhour = 0", "zero_limit"),
        ("[spend]\nday = '0'", "zero_limit"),
        ("[spend]\nday = 1000000001", "limit_too_large"),
        ("[spend]\nhour_steps = 0", "zero_limit"),
        ("[spend]\nrate = '60/m'", "wrong_type"),
        ("[spend]\nweek = 1", "unknown_key"),
    ] {
        let found: Vec<_> = errors(text).iter().map(|one| (one.line, one.code)).collect();
        assert_eq!(found, [(2, code)], "{text}");
    }
}

#[test]
fn a_day_below_its_hour_is_an_error_and_a_day_alone_lowers_the_hour() {
    assert_eq!(codes(&errors("[spend]\nhour = 5\nday = '4.99'")), ["3:7 day_under_hour"]);
    assert_eq!(codes(&errors("[spend]\nhour = 51")), ["2:8 day_under_hour"]);
    let spend = policy("[spend]\nday = 2").spend;
    assert_eq!((spend.hour_micro_usd, spend.day_micro_usd), (2_000_000, 2_000_000));
    policy("[spend]\nhour = 5\nday = 5");
}

#[test]
fn a_count_that_another_always_comes_before_is_a_warning() {
    assert_eq!(warned(&budgets("steps = 51")), ["2:9 never_reached"]);
    assert_eq!(warned(&budgets("proposals = 19")), ["2:13 never_reached"]);
    assert_eq!(warned("[run]\nrefusals_in_a_row = 51"), ["2:21 never_reached"]);
    assert!(warned(&budgets("steps = 50")).is_empty());
    assert!(warned("[run]\nrefusals_in_a_row = 50").is_empty());
}
