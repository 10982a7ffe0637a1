//! `approval` and `[escalation]`: when a person decides, and whose word counts.

use super::{codes, errors, policy, tool};
use crate::policy::{Approval, Escalation};

fn approval(text: &str) -> Approval {
    policy(text).tools["t"].approval.clone()
}

#[test]
fn a_policy_that_says_nothing_asks_for_nothing_more_and_trusts_no_client() {
    assert_eq!(approval(&tool("")), Approval::default());
    let Approval { expires_ms, client, .. } = Approval::default();
    assert_eq!((expires_ms, client), (900_000, false));
    assert_eq!(policy("").escalation, Escalation { approver_key: None });
}

#[test]
fn every_key_of_an_approval_is_taken() {
    let text = tool(
        "[tools.t.approval]\nexpires = '10m'\nrisk = 70\nspent = '0.25'\nambiguity = 0.57\nclient = true",
    );
    let expected = Approval {
        expires_ms: 600_000,
        risk: Some(70),
        spent_micro_usd: Some(250_000),
        ambiguity_percent: Some(57),
        client: true,
    };
    assert_eq!(approval(&text), expected);
}

#[test]
fn a_tool_that_adds_a_condition_keeps_those_of_the_defaults() {
    let defaults = "[defaults.approval]\nrisk = 70\nclient = true\nexpires = '1h'\n";
    let taken = approval(&(defaults.to_owned() + &tool("approval = { ambiguity = 1, client = false }")));
    let expected = Approval {
        expires_ms: 3_600_000,
        risk: Some(70),
        ambiguity_percent: Some(100),
        ..Approval::default()
    };
    assert_eq!(taken, expected);
    let inherited = approval(&(defaults.to_owned() + &tool("approval = { ambiguity = 1 }")));
    assert_eq!(inherited, Approval { client: true, ..expected });
}

#[test]
fn the_clients_person_approves_where_the_tool_says_so_and_no_signature_is_asked_for() {
    let client = tool("approval = { client = true, expires = '1h' }");
    let allowed = policy(&client);
    assert_eq!(allowed.client_approval("t").map(|approval| approval.expires_ms), Some(3_600_000));
    assert_eq!(allowed.client_approval("u"), None);
    assert_eq!(policy(&tool("")).client_approval("t"), None);
    let signed = format!("[escalation]\napprover_key = '{}'\n{client}", "ab".repeat(32));
    assert_eq!(policy(&signed).client_approval("t"), None);
}

#[test]
fn a_condition_that_would_always_or_never_hold_and_a_life_that_never_ends_are_errors() {
    for (lines, code) in [
        ("risk = 0", "zero_limit"),
        ("risk = 101", "wrong_value"),
        ("spent = 0", "zero_limit"),
        ("spent = 'much'", "wrong_value"),
        ("ambiguity = 0.0", "zero_limit"),
        ("ambiguity = 1.01", "wrong_value"),
        ("ambiguity = 0.655", "wrong_value"),
        ("ambiguity = -0.1", "wrong_value"),
        ("ambiguity = '0.6'", "wrong_type"),
        ("expires = '0s'", "zero_limit"),
        ("expires = '721h'", "limit_too_large"),
        ("client = 1", "wrong_type"),
    ] {
        let found = errors(&tool(&format!("[tools.t.approval]\n{lines}")));
        assert_eq!(found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(), [(5, code)], "{lines}");
        let found = errors(&format!("[defaults.approval]\n{lines}"));
        assert_eq!(found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(), [(2, code)], "{lines}");
    }
    for lines in ["risk = 1", "risk = 100", "ambiguity = 0.01", "ambiguity = 1.0", "expires = '720h'"] {
        policy(&format!("[defaults.approval]\n{lines}"));
    }
}

#[test]
fn an_approver_key_is_64_hex_digits() {
    let key = |text: &str| format!("[escalation]\napprover_key = '{text}'");
    let taken = policy(&key(&format!("0f{}", "a1".repeat(31)))).escalation.approver_key.unwrap();
    assert_eq!((taken[0], taken[31]), (0x0f, 0xa1));
    for text in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
        let found = errors(&key(text));
        assert_eq!(codes(&found), ["2:16 bad_key"], "{text}");
        assert!(
            text.is_empty() || !found.to_string().contains(text),
            "a key that was mistaken may be secret"
        );
    }
    assert_eq!(codes(&errors("[escalation]\napprover = 'x'")), ["2:1 unknown_key"]);
}
