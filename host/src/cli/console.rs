//! Where the command line writes: answers to `out`, everything else to `err`.
//!
//! Invariant: with `--json`, `out` gets one JSON document (or one a line) and nothing else.

use comfy_table::presets::{NOTHING, UTF8_BORDERS_ONLY};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use std::io::Write;

/// The two streams, and whether a person is looking.
pub(crate) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_is_terminal: bool,
    err_is_terminal: bool,
}

impl Console {
    /// A console over two streams.
    pub(crate) fn new(
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        out_is_terminal: bool,
        err_is_terminal: bool,
    ) -> Self {
        Self { out, err, out_is_terminal, err_is_terminal }
    }

    /// True when a person reads stderr: progress may be drawn.
    pub(super) fn may_draw(&self) -> bool {
        self.err_is_terminal
    }

    /// Writes a line of the answer.
    pub(super) fn line(&mut self, text: impl AsRef<str>) -> std::io::Result<()> {
        writeln!(self.out, "{}", text.as_ref())
    }

    /// Writes part of the answer as it is.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// Writes the answer as JSON: indented for a person, on one line for a program.
    pub(super) fn json(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let text = if self.out_is_terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        let text = text.map_err(std::io::Error::other)?;
        self.line(text)
    }

    /// Writes a line beside the answer.
    pub(super) fn note(&mut self, text: impl AsRef<str>) {
        // When stderr is gone there is nobody left to tell.
        let _ = writeln!(self.err, "{}", text.as_ref());
    }

    /// Writes a table that fits the terminal; plain columns when nobody is looking.
    pub(super) fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> std::io::Result<()> {
        let mut table = Table::new();
        if self.out_is_terminal {
            table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.load_style(NOTHING);
        }
        table.set_header(head.to_vec());
        for row in rows {
            table.add_row(row);
        }
        let text = table.to_string();
        for line in text.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}
