//! Every setting: its default, its bounds, what is refused.

use super::{codes, compiled, errors, policy, tool};
use crate::policy::{Access, Capability, Channel, Effect, KeySource, RunFrom, Trust, Verdict, check_needs};
use std::time::Duration;

#[test]
fn a_tool_that_says_nothing_gets_the_safest_of_everything() {
    let policy = policy("[tools.t]\ncomponent = 't.wasm'");
    let tool = &policy.tools["t"];
    assert_eq!((tool.verdict, tool.effect, tool.key), (Verdict::Deny, Effect::Once, KeySource::Arguments));
    assert_eq!((tool.trust, tool.output), (Trust::Outside, Channel::Both));
    assert_eq!(tool.grants, Default::default());
    let limits = tool.limits;
    assert_eq!((limits.fuel, limits.memory_bytes, limits.output_bytes), (1_000_000_000, 64 << 20, 256 << 10));
    assert_eq!((limits.deadline, limits.call_deadline), (Duration::from_secs(5), Duration::from_secs(30)));
}

#[test]
fn the_key_comes_from_the_client_unless_the_effect_is_once() {
    for (lines, key) in [
        ("effect = 'read-only'", KeySource::Client),
        ("effect = 'idempotent'", KeySource::Client),
        ("effect = 'once'", KeySource::Arguments),
        ("effect = 'once'\nkey = 'client'", KeySource::Client),
        ("effect = 'keyed'\nkey = 'arguments'", KeySource::Arguments),
    ] {
        assert_eq!(policy(&tool(lines)).tools["t"].key, key, "{lines}");
    }
}

#[test]
fn a_tools_limits_win_over_the_defaults_and_those_over_the_built_in_ones() {
    let text = format!("[defaults.limits]\nfuel = '2G'\nmemory = '1MiB'\n{}", tool("limits = { fuel = 7 }"));
    let limits = policy(&text).tools["t"].limits;
    assert_eq!((limits.fuel, limits.memory_bytes, limits.output_bytes), (7, 1 << 20, 256 << 10));
}

#[test]
fn a_number_in_another_base_is_the_same_number() {
    let fuel = |written: &str| policy(&tool(&format!("limits.fuel = {written}"))).tools["t"].limits.fuel;
    assert_eq!([fuel("0x1F"), fuel("0o17"), fuel("0b101"), fuel("1_000")], [31, 15, 5, 1_000]);
}

#[test]
fn a_limit_at_its_least_and_at_its_most_is_taken_and_one_beyond_is_not() {
    let limits = |lines: &str| tool(&format!("[tools.t.limits]\n{lines}"));
    for lines in [
        "fuel = 1",
        "fuel = 9223372036854775807",
        "fuel = '18446744073709551615'",
        "deadline = '1ms'",
        "deadline = '24h'\ncall_deadline = '24h'",
        "memory = '1B'",
        "memory = '4GiB'",
        "output = '64MiB'",
    ] {
        policy(&limits(lines));
    }
    for (lines, code) in [
        ("fuel = 0", "zero_limit"),
        ("fuel = '0G'", "zero_limit"),
        ("deadline = '0s'", "zero_limit"),
        ("call_deadline = '0ms'", "zero_limit"),
        ("memory = '0KiB'", "zero_limit"),
        ("output = '0B'", "zero_limit"),
        ("call_deadline = '86400001ms'", "limit_too_large"),
        ("memory = '4294967297B'", "limit_too_large"),
        ("output = '65MiB'", "limit_too_large"),
        ("fuel = -1", "wrong_type"),
        ("fuel = '18446744073709551616'", "wrong_value"),
        ("deadline = 5", "wrong_type"),
        ("deadline = '31s'", "deadline_over_call_deadline"),
        ("call_deadline = '4s'", "deadline_over_call_deadline"),
    ] {
        let found = errors(&limits(lines));
        assert_eq!(found.iter().map(|one| (one.line, one.code)).collect::<Vec<_>>(), [(5, code)], "{lines}");
    }
}

#[test]
fn the_host_section_is_bounded() {
    let host = |lines: &str| format!("[host]\n{lines}");
    let settings = policy(&host("principal = 'ops'\nconcurrency = 1024\nqueue = 1")).host;
    assert_eq!((settings.concurrency, settings.queue), (Some(1_024), 1));
    assert_eq!(policy("").host.concurrency, None);
    for (lines, code) in [
        ("principal = ''", "wrong_value"),
        ("principal = \"a\\u0007\"", "wrong_value"),
        ("concurrency = 1025", "limit_too_large"),
        ("queue = 0", "zero_limit"),
        ("ledger = ''", "bad_host_path"),
        ("cache = '~/cache'", "bad_host_path"),
        ("cache = \"a\\u0000\"", "bad_host_path"),
    ] {
        assert_eq!(errors(&host(lines)).iter().next().unwrap().code, code, "{lines}");
    }
}

#[test]
fn a_run_comes_from_the_process_a_name_or_a_variable() {
    let run = |lines: &str| policy(&format!("[run]\n{lines}")).run;
    assert_eq!(policy("").run.from, RunFrom::Process);
    assert_eq!(run("from = 'env:JOB_ID'").from, RunFrom::Env("JOB_ID".to_owned()));
    let named = run("from = 'name'\nname = 'nightly'\nrequired_context = ['project_id']");
    assert_eq!((named.from, named.name.as_deref()), (RunFrom::Name, Some("nightly")));
    assert_eq!(named.required_context, ["project_id"]);
    for from in ["procss", "env:", "env:1A", ""] {
        assert_eq!(codes(&errors(&format!("[run]\nfrom = '{from}'"))), ["2:8 unknown_word"]);
    }
}

#[test]
fn a_run_name_that_is_never_read_is_a_warning() {
    assert_eq!(codes(&compiled("[run]\nname = 'x'").warnings), ["2:1 unused_key"]);
}

#[test]
fn a_component_without_a_digest_is_a_warning_and_a_wrong_one_an_error() {
    assert_eq!(codes(&compiled("[tools.t]\ncomponent = 't.wasm'").warnings), ["1:8 missing_sha256"]);
    let digest = |text: &str| format!("[tools.t]\ncomponent = 't.wasm'\nsha256 = '{text}'");
    for text in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
        assert_eq!(codes(&errors(&digest(text))), ["3:10 bad_sha256"], "{text}");
    }
    let good = policy(&digest(&format!("0f{}", "a1".repeat(31)))).tools["t"].sha256.unwrap();
    assert_eq!((good[0], good[31]), (0x0f, 0xa1));
}

#[test]
fn one_component_cannot_have_two_digests() {
    let two = format!("{}[tools.u]\ncomponent = 't.wasm'\nsha256 = '{}'", tool(""), "1".repeat(64));
    assert_eq!(errors(&two).iter().next().unwrap().code, "conflicting_sha256");
}

#[test]
fn a_tools_name_is_that_of_a_definition() {
    for name in ["\"\"", "Big", "1st", "a-b", "\"a b\"", "\"ä\"", &"a".repeat(65)] {
        let text = format!("[tools.{name}]\ncomponent = 't.wasm'");
        assert_eq!(codes(&errors(&text)), ["1:8 bad_tool_name"], "{name}");
    }
    policy(&format!("[tools.{}]\ncomponent = 't.wasm'", "a".repeat(64)));
}

fn folder(host: &str, guest: &str, more: &str) -> String {
    format!("[[tools.t.grants.fs]]\nhost = '{host}'\nguest = '{guest}'\n{more}\n")
}

#[test]
fn a_folder_is_only_read_unless_it_says_otherwise_and_then_has_quotas() {
    let text = tool("") + &folder("a", "/a", "") + &folder("b", "/b/c", "access = 'read-write'");
    let fs = &policy(&text).tools["t"].grants.fs;
    assert_eq!((fs[0].access, fs[0].bytes_max, fs[0].files_max), (Access::Read, 0, 0));
    assert_eq!((fs[1].access, fs[1].bytes_max, fs[1].files_max), (Access::ReadWrite, 16 << 20, 100));
}

#[test]
fn a_quota_of_zero_is_an_error_and_one_on_a_read_folder_a_warning() {
    let zero = tool("") + &folder("a", "/a", "access = 'read-write'\nbytes_max = '0B'\nfiles_max = 0");
    assert_eq!(codes(&errors(&zero)), ["9:13 zero_limit", "10:13 zero_limit"]);
    let unused = tool("") + &folder("a", "/a", "bytes_max = '1MiB'");
    assert_eq!(codes(&compiled(&unused).warnings), ["8:1 unused_key"]);
}

#[test]
fn a_guest_path_is_absolute_and_plain() {
    for guest in ["", "work", "./work", "/work/", "/a/../b", "/a/./b", "//a", "/a\\b"] {
        let text = tool("") + &folder("a", guest, "");
        assert_eq!(codes(&errors(&text)), ["7:9 bad_guest_path"], "{guest}");
    }
    let found = errors(&(tool("") + &folder("a", "work/./x/", "")));
    assert_eq!(found.iter().next().unwrap().help.as_deref(), Some("write `/work/x`"));
    policy(&(tool("") + &folder("a", "/", "")));
}

#[test]
fn folders_of_one_tool_do_not_overlap_where_one_is_writable_or_both_are_one_guest_path() {
    let two = |a: (&str, &str), b: (&str, &str), access: &str| {
        tool("") + &folder(a.0, a.1, "") + &folder(b.0, b.1, &format!("access = '{access}'"))
    };
    for (a, b) in [
        (("w", "/a"), ("w/x", "/b")),
        (("w/x", "/a"), ("./w", "/b")),
        (("w", "/a"), ("x/../w", "/b")),
        (("..", "/a"), ("w", "/b")),
    ] {
        assert_eq!(errors(&two(a, b, "read-write")).iter().next().unwrap().code, "overlapping_grants");
        policy(&two(a, b, "read"));
    }
    for (a, b) in [("/a", "/a"), ("/", "/a"), ("/a/b", "/a")] {
        let found = errors(&two(("v", a), ("w", b), "read"));
        assert_eq!(codes(&found), ["11:9 overlapping_grants"]);
    }
    policy(&two(("w", "/a"), ("wx", "/ab"), "read-write"));
}

#[test]
fn environment_names_and_values_are_ones_that_a_process_can_have() {
    let env = |line: &str| tool(&format!("[tools.t.grants.env]\n{line}"));
    assert_eq!(policy(&env("LANG = 'C'")).tools["t"].grants.env["LANG"], "C");
    for line in ["'' = 'x'", "'A=B' = 'x'", "A = \"\\u0000\""] {
        assert_eq!(errors(&env(line)).iter().next().unwrap().code, "bad_env", "{line}");
    }
}

#[test]
fn an_unused_grant_and_an_unmet_need_are_warnings_with_their_lines() {
    let policy = policy(&tool("verdict = 'allow'\n[tools.t.grants]\nclock = true\nrandom = true"));
    let found = check_needs(&policy, "t", &[Capability::Random, Capability::Http, Capability::Fs]);
    assert_eq!(
        codes(&found),
        ["5:10 unmet_need", "5:10 unmet_need", "6:1 unused_grant"].map(str::to_owned),
        "{found}"
    );
    assert!(!found.has_errors());
}

#[test]
fn a_tool_that_can_never_run_has_no_unmet_needs() {
    let policy = policy(&tool(""));
    assert!(check_needs(&policy, "t", &Capability::ALL).is_empty());
    assert!(check_needs(&policy, "other", &Capability::ALL).is_empty());
}

#[test]
fn the_sanitizers_caps_have_defaults_and_bounds() {
    let caps = policy("").sanitize;
    assert_eq!((caps.string_bytes_max, caps.text_bytes_max, caps.depth_max), (128 << 10, 256 << 10, 64));
    assert_eq!(policy("[sanitize]\nstring_max = '1B'\ndepth_max = 128").sanitize.depth_max, 128);
    assert_eq!(
        codes(&errors("[sanitize]\nstring_max = '0B'\ndepth_max = 129")),
        ["2:14 zero_limit", "3:13 limit_too_large"]
    );
}
