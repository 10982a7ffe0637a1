//! Diagnostics of a policy drawn for a terminal: the offending text underlined, with what to do.
//!
//! Not here: what is wrong (`policy/`), and where the drawing goes. `check --json` prints the plain data
//! instead.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;
use toolgate::policy::{Diagnostic, Diagnostics, Severity};

/// Columns of a drawing; a longer line of help wraps.
const COLUMNS: usize = 100;

/// Draws each of them beside the text it is about. With colors: the console takes them out where nobody
/// is looking.
pub(super) fn render(file: &str, text: &str, diagnostics: &Diagnostics) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_width(COLUMNS).with_links(false);
    let source = NamedSource::new(file, text.to_owned());
    let mut out = String::new();
    for one in diagnostics {
        let drawing = Drawing { one, source: &source };
        if handler.render_report(&mut out, &drawing).is_err() {
            out.push_str(&one.message);
            out.push('\n');
        }
    }
    out
}

#[derive(Debug)]
struct Drawing<'a> {
    one: &'a Diagnostic,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.one.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.one.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.one.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let expected = self.one.expected.as_ref().map(|expected| format!("expected {expected}"));
        let lines: Vec<String> = expected.into_iter().chain(self.one.help.clone()).collect();
        (!lines.is_empty()).then(|| Box::new(lines.join("\n")) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = match self.one.severity {
            Severity::Error => "this",
            Severity::Warning => "here",
        };
        let span = self.one.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::at(span, label))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate::policy::compile;

    fn drawn(text: &str) -> String {
        let found = compile(text, "dev.toml", &|_| None).unwrap_err();
        let colored = render("dev.toml", text, &found);
        let parts = colored.split('\u{1b}');
        let plain = |part: &str| part.split_once('m').map(|(_, rest)| rest.to_owned());
        parts
            .enumerate()
            .filter_map(|(at, part)| if at == 0 { Some(part.to_owned()) } else { plain(part) })
            .collect()
    }

    #[test]
    fn the_offending_text_is_underlined_with_what_was_expected_and_the_nearest_key() {
        let drawn = drawn("[host]\nprincipel = 'ops'\n");
        for part in [
            "unknown_key",
            "dev.toml:2:1",
            "principel = 'ops'",
            "────",
            "expected `principal`",
            "did you mean `principal`?",
        ] {
            assert!(drawn.contains(part), "{part} is not in:\n{drawn}");
        }
    }

    #[test]
    fn a_place_at_the_end_of_the_text_can_be_drawn() {
        assert!(drawn("[host").contains("syntax"));
    }
}
