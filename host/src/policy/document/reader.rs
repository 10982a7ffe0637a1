//! Read: policy text to a [`Document`] and its tree, with every error of shape and not just the first.
//!
//! serde stops at an error, so the reader prunes what was at fault and reads again. Invariant: each
//! round prunes something or is the last, so reading ends after at most [`ERRORS_MAX`] rounds.

use super::Document;
use super::expand::Environment;
use super::tree::{Builder, Kind, Node};
use crate::policy::diagnostic::{Diagnostic, Diagnostics, LineIndex};
use serde::Deserialize;
use toml::de::DeTable;

/// Errors of shape that are reported; one more and the text is probably no policy at all.
const ERRORS_MAX: usize = 50;

/// What reading gives.
pub(in crate::policy) struct Read<D = Document> {
    /// What is left after pruning; `None` when even that fits no document.
    pub(in crate::policy) document: Option<D>,
    /// The tree that the document was read from.
    pub(in crate::policy) tree: Node,
    /// What was wrong.
    pub(in crate::policy) diagnostics: Diagnostics,
}

/// Reads a text as any of this room's document types.
pub(in crate::policy) fn read<D: for<'de> Deserialize<'de>>(
    text: &str,
    lines: &LineIndex<'_>,
    environment: &mut Environment<'_>,
) -> Read<D> {
    let mut diagnostics = Diagnostics::default();
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(ERRORS_MAX) {
        let place = lines.place(error.span().unwrap_or(0..0));
        diagnostics.push(Diagnostic::error("syntax", &place, error.message().replace('\n', " ")));
    }
    if !errors.is_empty() {
        let tree = Node { span: 0..0, kind: Kind::Table(super::tree::Table::default()) };
        return Read { document: None, tree, diagnostics };
    }
    let mut builder = Builder { environment, lines, diagnostics: &mut diagnostics };
    let kind = Kind::Table(builder.table(table.get_ref()));
    let mut tree = Node { span: 0..0, kind };
    let document = fit(text, lines, &mut tree, &mut diagnostics);
    Read { document, tree, diagnostics }
}

fn fit<D: for<'de> Deserialize<'de>>(
    text: &str,
    lines: &LineIndex<'_>,
    tree: &mut Node,
    diagnostics: &mut Diagnostics,
) -> Option<D> {
    for _ in 0..ERRORS_MAX {
        let error = match D::deserialize(&*tree) {
            Ok(document) => return Some(document),
            Err(error) => error,
        };
        let place = lines.place(error.span.clone().unwrap_or(0..0));
        if !error.echo {
            let source = text.get(place.span.clone()).unwrap_or("");
            diagnostics.push(error.diagnostic(&place, source));
        }
        if !error.prune.is_some_and(|start| tree.prune(start)) {
            return None;
        }
    }
    None
}
