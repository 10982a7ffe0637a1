//! Strict JSON: what is refused, and that it agrees with `serde_json` on the rest.

use super::{any_json, on_a_worker_stack};
use crate::schema::strict::{Caps, DEPTH_MAX, StrictError, StrictKind, parse, scan, scan_within};
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(text: impl AsRef<[u8]>) -> StrictError {
    let error = scan(text.as_ref()).unwrap_err();
    assert_eq!(parse(text.as_ref(), &Caps::default()).unwrap_err(), error);
    error
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn every_kind_of_value_is_read() {
    let text = br#" {"a": [1, -0, 2.5e-3, true, false, null, "x\n\u00e9\ud83d\ude00"], "b": {}, "c": []} "#;
    let value = parse(text, &Caps::default()).unwrap();
    assert_eq!(value, json!({"a": [1, -0.0, 0.0025, true, false, null, "x\né😀"], "b": {}, "c": []}));
}

#[test]
fn a_repeated_name_is_refused_at_any_depth_with_its_place() {
    let error = refused("{\"a\": [{\n \"key\": 1, \"other\": 2, \"key\": 3}]}");
    assert_eq!(error.kind, StrictKind::DuplicateKey);
    assert_eq!((error.offset, error.line, error.column), (32, 2, 24));
    assert_eq!(
        error.to_string(),
        "line 2 column 24: the name \"key\" stands twice in one object; keep one of them"
    );
}

#[test]
fn names_are_compared_once_their_escapes_are_decoded() {
    assert_eq!(refused(r#"{"a": 1, "\u0061": 2}"#).kind, StrictKind::DuplicateKey);
    assert_eq!(refused(r#"{"\ud83d\ude00": 1, "😀": 2}"#).kind, StrictKind::DuplicateKey);
    assert!(scan(r#"{"a": {"a": 1}, "A": 2, "á": 3}"#.as_bytes()).is_ok());
}

#[test]
fn a_repeated_name_is_found_among_many() {
    let mut members: Vec<String> = (0..20_000).map(|index| format!("\"k{index}\":0")).collect();
    assert!(scan(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
    members.push("\"k7\":0".to_owned());
    members.push("\"k3\":0".to_owned());
    let text = format!("{{{}}}", members.join(","));
    let error = refused(&text);
    assert_eq!(error.kind, StrictKind::DuplicateKey);
    assert_eq!(error.offset, text.rfind("\"k7\"").unwrap(), "the earliest repeat is named");
}

#[test]
fn a_repeated_name_is_shown_short_and_in_ascii() {
    let key = format!("\\u001b[2J\u{202e}{}", "x".repeat(500));
    let error = refused(format!("{{\"{key}\": 1, \"{key}\": 2}}"));
    assert!(error.message.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", error.message);
    assert!(error.message.len() < 200);
}

#[test]
fn nesting_is_accepted_up_to_the_limit_and_refused_one_deeper() {
    assert!(parse(nested(DEPTH_MAX).as_bytes(), &Caps::default()).is_ok());
    assert_eq!(refused(nested(DEPTH_MAX + 1)).kind, StrictKind::TooDeep);
    let caps = Caps { depth_max: 3, ..Caps::default() };
    assert!(scan_within(br#"{"a":[[1]]}"#, &caps).is_ok());
    assert_eq!(scan_within(br#"{"a":[[[]]]}"#, &caps).unwrap_err().kind, StrictKind::TooDeep);
}

#[test]
fn two_hundred_thousand_levels_are_refused_without_overflow() {
    let text = "{\"a\":".repeat(200_000);
    let kind = on_a_worker_stack(move || refused(&text).kind);
    assert_eq!(kind, StrictKind::TooDeep);
}

#[test]
fn a_greater_depth_than_can_be_parsed_is_not_granted() {
    let caps = Caps { depth_max: usize::MAX, ..Caps::default() };
    assert!(parse(nested(DEPTH_MAX).as_bytes(), &caps).is_ok());
    assert_eq!(parse(nested(DEPTH_MAX + 1).as_bytes(), &caps).unwrap_err().kind, StrictKind::TooDeep);
}

#[test]
fn the_size_limit_counts_bytes_and_accepts_the_last() {
    let caps = Caps { bytes_max: 4, ..Caps::default() };
    assert!(scan_within(b"1234", &caps).is_ok());
    let error = scan_within(b"12345", &caps).unwrap_err();
    assert_eq!(error.kind, StrictKind::TooLarge);
    assert_eq!(error.to_string(), "the JSON text is 5 bytes long and at most 4 are accepted; send less");
}

#[test]
fn integers_beyond_64_bits_are_refused_with_what_to_do() {
    for fits in ["18446744073709551615", "-9223372036854775808", "0", "-0", "9007199254740993"] {
        assert!(scan(fits.as_bytes()).is_ok(), "{fits}");
    }
    for beyond in ["18446744073709551616", "-9223372036854775809", &"9".repeat(400)] {
        let error = refused(beyond);
        assert_eq!(error.kind, StrictKind::NumberOutOfRange, "{beyond}");
        assert!(error.message.contains("send it as a string"));
    }
}

#[test]
fn numbers_that_no_double_holds_are_refused() {
    for beyond in
        ["1e400", "-1e400", "1.8e308", "1e99999999999999999999", "1e-400", &format!("0.{}1", "0".repeat(400))]
    {
        assert_eq!(refused(beyond).kind, StrictKind::NumberOutOfRange, "{beyond}");
    }
    for fits in
        ["1e308", "-1.7e308", "1e-300", "0e999", "0.0e-999", "1E+2", &format!("1.{}", "0".repeat(400))]
    {
        assert!(parse(fits.as_bytes(), &Caps::default()).is_ok(), "{fits}");
    }
}

#[test]
fn what_is_no_json_is_refused_as_syntax() {
    let texts = [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "01",
        "-",
        "-a",
        "+1",
        ".5",
        "1.",
        "1.e2",
        "1e",
        "1e+",
        "00",
        "-01",
        "NaN",
        "Infinity",
        "-Infinity",
        "nul",
        "tru",
        "falsy",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\u{feff}1",
        "]",
        "}",
        ",",
        ":",
        "// x\n1",
        "\u{a0}1",
        "\u{c}1",
    ];
    for text in texts {
        assert_eq!(refused(text).kind, StrictKind::Syntax, "{text:?}");
    }
}

#[test]
fn lone_surrogates_are_refused() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800x""#,
        r#""\ud800\u0041""#,
        r#""\ud800\ud800""#,
        r#"{"\udfff":1}"#,
        r#""\ud800\""#,
    ] {
        let error = refused(text);
        assert_eq!(error.kind, StrictKind::Syntax, "{text}");
        assert!(error.message.contains("surrogate"), "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_where_they_stand() {
    for bytes in [&b"\"ab\xff\""[..], b"\"ab\xc3", b"\"ab\xed\xa0\x80\""] {
        let error = refused(bytes);
        assert_eq!((error.kind, error.offset), (StrictKind::NotUtf8, 3), "{bytes:?}");
    }
}

#[test]
fn what_follows_the_value_is_refused() {
    for text in ["1 2", "{} {}", "null,", "\"a\"x", "[]]", "1\u{0}"] {
        assert_eq!(refused(text).kind, StrictKind::TrailingData, "{text:?}");
    }
    assert!(scan(b"1 \r\n\t").is_ok());
}

#[test]
fn the_column_counts_characters() {
    let error = refused("[\"éé😀\", x]");
    assert_eq!((error.line, error.column, error.offset), (1, 9, 13));
}

#[test]
fn a_control_character_is_found_at_any_place_of_a_string() {
    for length in 0..40 {
        for bad in ["\u{1}", "\u{1f}", "\n"] {
            let text = format!("\"{}{bad}{}\"", "x".repeat(length), "y".repeat(20));
            assert_eq!(refused(&text).offset, length + 1);
        }
        let text = format!("\"{}é\u{7f} \u{80}{}\"", "x".repeat(length), "y".repeat(20));
        assert!(scan(text.as_bytes()).is_ok(), "{length}");
    }
}

/// Text near JSON: bits of JSON in any order.
fn near_json() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "1",
        "-0",
        "1e5",
        "1e999",
        "0.1",
        "01",
        "true",
        "null",
        " ",
        "\n",
        "\"",
        "\\",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\ude00",
        "99999999999999999999",
        "é",
        "x",
        "-",
        ".",
        "e",
        "\u{0}",
    ]);
    prop::collection::vec(bits, 0..16).prop_map(|bits| bits.concat())
}

/// The same judgement by other means: `serde_json` reads it, and reading and writing keeps every name.
fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let read = serde_json::from_slice::<Value>(bytes);
    match scan(bytes) {
        Ok(()) => prop_assert!(
            read.is_ok(),
            "scan accepts what serde_json does not: {:?}",
            String::from_utf8_lossy(bytes)
        ),
        Err(error) => {
            prop_assert!(error.offset <= bytes.len());
            let stricter = [StrictKind::DuplicateKey, StrictKind::NumberOutOfRange].contains(&error.kind);
            prop_assert!(
                stricter || read.is_err(),
                "{error} but serde_json reads {:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_written_as_json_is_read_back_the_same(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        prop_assert_eq!(parse(&text, &Caps::default()).unwrap(), serde_json::from_slice::<Value>(&text).unwrap());
    }

    #[test]
    fn the_scan_and_serde_json_agree_on_json_with_one_byte_changed(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        agrees(&text)?;
    }

    #[test]
    fn the_scan_and_serde_json_agree_on_json_cut_short(value in any_json(), at in any::<prop::sample::Index>()) {
        let text = serde_json::to_vec(&value).unwrap();
        agrees(&text[..at.index(text.len())])?;
    }

    #[test]
    fn the_scan_and_serde_json_agree_on_bits_of_json(text in near_json()) {
        agrees(text.as_bytes())?;
    }

    #[test]
    fn the_scan_and_serde_json_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        agrees(&bytes)?;
    }

    #[test]
    fn a_name_written_twice_is_always_found(value in any_json(), name in "[ab\\PC]{1,3}", before in 0_usize..12) {
        let quoted = serde_json::to_string(&name).unwrap();
        let escaped: String = name.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let fill: String = (0..before).map(|index| format!("\"fill{index}\":0,")).collect();
        let text = format!("{{{quoted}:{value},{fill}\"{escaped}\":1}}");
        prop_assert_eq!(scan(text.as_bytes()).unwrap_err().kind, StrictKind::DuplicateKey);
    }
}

/// Prints the rate of the scan; run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn rate_of_the_scan() {
    let line = json!({"jsonrpc": "2.0", "id": 17, "method": "tools/call", "params": {
        "name": "files.search", "arguments": {"path": "/tickets/2026", "pattern": "refund|return", "limit": 100, "case": false},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "toolgate/run": "0198c0de-1234-7abc-8def-0123456789ab",
        "toolgate/thought": "The customer asks for a refund, so look at the earlier tickets about returns before answering."}}});
    for (what, text) in [
        ("line", line.to_string()),
        (
            "page",
            json!({"text": "Lorem ipsum dolor sit amet, \"consectetur\" adipiscing elit.\n".repeat(2_000)})
                .to_string(),
        ),
        (
            "table",
            json!(
                (0..2_000)
                    .map(|row| json!({"id": row, "name": "x", "price": 12.5, "tags": ["a", "b"]}))
                    .collect::<Vec<_>>()
            )
            .to_string(),
        ),
    ] {
        let rounds = 64 * 1024 * 1024 / text.len();
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            scan(std::hint::black_box(text.as_bytes())).unwrap();
        }
        let rate = (rounds * text.len()) as f64 / start.elapsed().as_secs_f64() / 1e6;
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("{what}: {} bytes, {rate:.0} MB/s\n", text.len()),
        )
        .unwrap();
    }
}
