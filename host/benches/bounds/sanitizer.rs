//! How fast text is sanitized, beside a plain copy of it.

use super::place::Place;
use super::stats::Rounds;
use super::table::{Bound, Table, Unit};
use anyhow::{Result, ensure};
use std::hint::black_box;
use std::time::Instant;
use toolgate::sanitizer::{Bounds, Sanitizer};

const ROUNDS: usize = 15;
const BYTES: usize = 1 << 20;
const PASSES: usize = 8;

const ASCII: &str =
    "The parcel 4711 left the warehouse on Tuesday at 10:42, and the customer was told so by e-mail.\n";
const UTF8: &str =
    "Die Lieferung für Łukasz verließ das Lager; заказ № 4711 отправлен, 荷物は火曜日に発送されました 👩‍👩‍👧.\n";
const DIRTY: &str = "The parcel \u{1b}[31m4711\u{1b}[0m left\u{200b} the \u{202e}warehouse\u{202c} on Tuesday\u{e0041}\u{e0042}, and so on.\u{7}\n";

pub(crate) fn measure(_: &Place, table: &mut Table) -> Result<()> {
    let bounds = Bounds { string_bytes_max: usize::MAX, total_bytes_max: usize::MAX, ..Bounds::default() };
    let sanitizer = Sanitizer::new(bounds);
    for (what, line, clean) in [
        ("sanitizer, clean ASCII, to a copy", ASCII, true),
        ("sanitizer, clean UTF-8, to a copy", UTF8, true),
        ("sanitizer, dirty text, to a copy", DIRTY, false),
    ] {
        let text = line.repeat(BYTES / line.len());
        ensure!(sanitizer.text(&text).findings.is_empty() == clean, "{what}: not what it says");
        let mut rates = Rounds::default();
        for _ in 0..ROUNDS {
            let baseline = rate(&text, |text| text.to_owned());
            let ours = rate(&text, |text| sanitizer.text(text).value);
            rates.push(ours, baseline);
        }
        table.row(what, Unit::MegabytesPerSecond, &rates, Bound::None);
    }
    Ok(())
}

fn rate(text: &str, work: impl Fn(&str) -> String) -> f64 {
    let began = Instant::now();
    for _ in 0..PASSES {
        black_box(work(black_box(text)));
    }
    (text.len() * PASSES) as f64 / 1e6 / began.elapsed().as_secs_f64()
}
