//! What holds for any input, hostile or honest: sanitizing twice is sanitizing once, bounds hold, nothing
//! forbidden survives, an envelope closes once.

use super::filter::{Input, document};
use super::{Bounds, FINDINGS_MAX, Sanitized, Sanitizer, class, clean_line, envelope, unicode};
use proptest::prelude::*;
use serde_json::Value;

/// Characters that matter to some rule.
const CHARACTERS: &str = "\u{1B}[]m\\P\u{7}\u{9B}\u{9C}\u{9D}\u{18}\r\n\t\u{8}\u{85}\u{2028}\u{200B}\
    \u{200C}\u{200D}\u{FEFF}\u{AD}\u{202E}\u{2066}\u{3164}\u{180E}\u{180B}\u{182C}\u{FE00}\u{FE0E}\u{FE0F}\
    \u{20E3}\u{E0100}\u{E0067}\u{E007F}\u{1F3F4}\u{1F468}\u{1F3FD}\u{2764}\u{845B}\u{2229}\u{301}\u{94D}\
    \u{915}\u{9B0}\u{645}\u{6CC}\u{64E}\u{FFF9}\u{FFFF}\u{FF1C}\u{3008}\u{E9}1#</-a ";

/// Longer pieces that matter to some rule.
const WORDS: [&str; 8] = [
    "8;;",
    "outside",
    "OUTSIDE",
    "data",
    "&lt;",
    "<outside-data",
    "\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
];

/// Pieces of which hostile and honest texts are made.
fn piece() -> impl Strategy<Value = String> {
    let characters: Vec<char> = CHARACTERS.chars().collect();
    prop_oneof![
        12 => prop::sample::select(characters).prop_map(String::from),
        3 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        hostile().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((hostile(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    (0..60_usize, 5..200_usize, 0..5_usize, 0..20_usize).prop_map(|(string, total, depth, items)| Bounds {
        string_bytes_max: string,
        total_bytes_max: total,
        depth_max: depth,
        items_max: items,
    })
}

/// What must never be in an outcome, wherever it stands.
fn is_forbidden(c: char) -> bool {
    use unicode::Kind;
    matches!(unicode::kind(c), Kind::Hidden(_) | Kind::Control | Kind::Introducer | Kind::LineBreak)
}

fn check_findings(done: &Sanitized<impl Sized>, changed: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(done.changed, changed);
    prop_assert_eq!(done.findings.is_empty(), !changed);
    prop_assert!(done.findings.len() <= FINDINGS_MAX + 1);
    for finding in &done.findings {
        prop_assert!(class::ALL.contains(&finding.class.as_ref()));
        prop_assert!(finding.detail.bytes().all(|b| matches!(b, b' '..=b'~')));
        prop_assert!(finding.start <= finding.end);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sanitizing_a_text_twice_is_sanitizing_it_once(raw in hostile(), bounds in any_bounds()) {
        for sanitizer in [Sanitizer::default(), Sanitizer::new(bounds)] {
            let once = sanitizer.text(&raw);
            check_findings(&once, once.value != raw)?;
            prop_assert!(once.value.len() <= raw.len());
            prop_assert!(!once.value.contains(is_forbidden));
            for finding in &once.findings {
                prop_assert!(finding.end <= raw.len() && raw.is_char_boundary(finding.start));
            }
            let twice = sanitizer.text(&once.value);
            prop_assert_eq!(&twice.value, &once.value);
            prop_assert!(twice.findings.is_empty() && !twice.changed && !twice.truncated);
        }
    }

    #[test]
    fn sanitizing_a_value_twice_is_sanitizing_it_once(raw in any_value(), bounds in any_bounds()) {
        for sanitizer in [Sanitizer::default(), Sanitizer::new(bounds)] {
            let once = sanitizer.value(raw.clone());
            check_findings(&once, once.value != raw)?;
            prop_assert!(!once.value.to_string().contains(is_forbidden));
            let twice = sanitizer.value(once.value.clone());
            prop_assert_eq!(&twice.value, &once.value);
            prop_assert!(twice.findings.is_empty() && !twice.changed && !twice.truncated);
        }
    }

    #[test]
    fn a_value_never_exceeds_its_bounds(raw in any_value(), bounds in any_bounds()) {
        let done = Sanitizer::new(bounds).value(raw);
        let compact = done.value.to_string();
        let lone = !matches!(done.value, Value::String(_) | Value::Array(_) | Value::Object(_));
        prop_assert!(lone || compact.len() <= bounds.total_bytes_max, "{}", compact);
    }

    #[test]
    fn letters_and_spaces_pass_untouched(
        raw in "[ -%'-;=-~\\n\\t\u{E9}\u{416}\u{4E2D}\u{AC00}\u{1F600}]{0,200}"
    ) {
        let done = Sanitizer::default().text(&raw);
        prop_assert_eq!(&done.value, &raw);
        prop_assert!(done.findings.is_empty());
    }

    #[test]
    fn an_envelope_closes_once_whatever_is_inside(text in hostile(), tool in hostile()) {
        let text = Sanitizer::default().text(&format!("{text}n0nce7f3a")).value;
        let wrapped = envelope::wrap("n0nce7f3a", &tool, &text);
        prop_assert_eq!(wrapped.matches("n0nce7f3a").count(), 2);
        let inside: Vec<_> = wrapped.split('\n').collect();
        let inside = inside[1..inside.len() - 1].join("\n");
        prop_assert!(envelope::defanged(&inside).is_none());
    }

    #[test]
    fn a_line_is_one_line_and_stays_so(raw in hostile()) {
        let line = clean_line(&raw);
        prop_assert!(!line.contains(['\n', '\r', '\t']) && !line.contains(is_forbidden));
        prop_assert_eq!(clean_line(&line), line);
    }

    #[test]
    fn any_bytes_give_a_document(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let shape = document(&Sanitizer::default(), Input::Text(&bytes));
        prop_assert!(shape["text"].is_string());
    }
}
