//! Where the command line writes: answers to `out`, everything else to `err`.
//!
//! Invariants: with `--json`, `out` gets one JSON document (or one a line) and nothing else; no table breaks an id, so that
//! it can be copied.

use comfy_table::presets::{NOTHING, UTF8_BORDERS_ONLY};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
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
        let text = arranged(head, rows, self.out_is_terminal).to_string();
        for line in text.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// How ids begin.
const ID_KINDS: [&str; 3] = ["run_", "call_", "apr_"];

/// The table. On a terminal that is narrower, columns with ids are as wide as those, and the others wrap.
fn arranged(head: &[&str], rows: Vec<Vec<String>>, on_terminal: bool) -> Table {
    let mut table = Table::new();
    if on_terminal {
        table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.load_style(NOTHING);
    }
    table.set_header(head.to_vec());
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| longest_id(cell)).max();
    let ids: Vec<usize> = (0..head.len()).map(|at| widest(at).unwrap_or(0)).collect();
    for row in rows {
        table.add_row(row);
    }
    for (column, width) in table.column_iter_mut().zip(ids).filter(|(_, width)| *width > 0) {
        let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(column.padding_width());
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table
}

/// Characters of the longest id in a cell; 0 where there is none.
fn longest_id(cell: &str) -> usize {
    let ids = cell.split(' ').filter(|word| ID_KINDS.iter().any(|kind| word.starts_with(kind)));
    ids.map(|id| id.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_is_so_narrow_that_an_id_is_broken() {
        let id = format!("run_{}", "0a".repeat(16));
        for width in [20, 40, 60, 80, 100, 200] {
            let words = "words upon words ".repeat(9);
            let row = vec![id.clone(), format!("run {id}"), words, "2026-11-21 11:27:57 UTC".to_owned()];
            let mut table = arranged(&["run", "stopped", "why", "since"], vec![row], true);
            table.set_width(width);
            let text = table.to_string();
            assert_eq!(text.matches(&id).count(), 2, "{text}");
        }
    }

    #[test]
    fn what_is_no_id_wraps_until_the_table_fits_beside_them() {
        let (approval, thought) = ("apr_0123456789abcdef".to_owned(), "a thought of many words ".repeat(6));
        let row = vec![approval.clone(), "asked".to_owned(), thought, "2026-11-21 11:27:57 UTC".to_owned()];
        let mut table = arranged(&["approval", "state", "thought", "asked"], vec![row], true);
        table.set_width(80);
        let text = table.to_string();
        assert!(text.contains(&approval) && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
