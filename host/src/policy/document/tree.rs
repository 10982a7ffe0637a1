//! The tree: TOML values with their places, environment filled in, numbers read.
//!
//! Between the TOML parser and the typed sections. Not here: which keys exist. Invariant: what cannot be
//! a policy value (a date, a number out of range, an unset variable) is reported once and pruned, so
//! nothing later sees it or misses it.

use super::expand::{Environment, expand};
use crate::policy::diagnostic::{Diagnostic, Diagnostics, LineIndex, Place};
use serde_json::Number;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its bytes in the text.
#[derive(Debug)]
pub(in crate::policy) struct Node {
    pub(in crate::policy) span: Range<usize>,
    pub(in crate::policy) kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(in crate::policy) enum Kind {
    Text(String),
    Number(Number),
    Bool(bool),
    Array(Vec<Node>),
    Table(Table),
}

/// Members in the order of the text.
#[derive(Debug, Default)]
pub(in crate::policy) struct Table {
    pub(in crate::policy) entries: Vec<Entry>,
    /// Keys that stood here and were reported: never report them as missing too.
    pub(in crate::policy) pruned: Vec<String>,
}

/// One member of a table.
#[derive(Debug)]
pub(in crate::policy) struct Entry {
    pub(in crate::policy) key: String,
    pub(in crate::policy) key_span: Range<usize>,
    pub(in crate::policy) node: Node,
}

impl Node {
    /// Takes out the member whose key begins at this byte, or the array item that does; says whether
    /// there was one.
    pub(super) fn prune(&mut self, start: usize) -> bool {
        match &mut self.kind {
            Kind::Array(items) => {
                let before = items.len();
                items.retain(|item| item.span.start != start);
                items.len() < before || items.iter_mut().any(|item| item.prune(start))
            }
            Kind::Table(table) => table.prune(start),
            Kind::Text(_) | Kind::Number(_) | Kind::Bool(_) => false,
        }
    }

    fn member(&self, key: &str) -> Option<&Entry> {
        let Kind::Table(table) = &self.kind else {
            return None;
        };
        table.entries.iter().find(|entry| entry.key == key)
    }
}

impl Table {
    fn prune(&mut self, start: usize) -> bool {
        let found = self.entries.iter().position(|entry| entry.key_span.start == start);
        match found {
            Some(index) => {
                let entry = self.entries.remove(index);
                self.pruned.push(entry.key);
                true
            }
            None => self.entries.iter_mut().any(|entry| entry.node.prune(start)),
        }
    }
}

/// A position in the tree that knows its place in the text; a step to what is not written stays put.
#[derive(Clone)]
pub(in crate::policy) struct Cursor<'a> {
    node: Option<&'a Node>,
    span: Range<usize>,
    lines: &'a LineIndex<'a>,
}

impl<'a> Cursor<'a> {
    /// At the root, whose place is the beginning of the text.
    pub(in crate::policy) fn root(root: &'a Node, lines: &'a LineIndex<'a>) -> Self {
        Self { node: Some(root), span: 0..0, lines }
    }

    /// To a member of a table.
    pub(in crate::policy) fn key(&self, key: &str) -> Self {
        match self.node.and_then(|node| node.member(key)) {
            Some(Entry { node, key_span, .. }) => {
                let whole = matches!(node.kind, Kind::Table(_) | Kind::Array(_));
                let span = if whole { key_span.clone() } else { node.span.clone() };
                Self { node: Some(node), span, lines: self.lines }
            }
            None => self.nowhere(),
        }
    }

    /// To the key of a member, rather than its value.
    pub(in crate::policy) fn name(&self, key: &str) -> Self {
        match self.node.and_then(|node| node.member(key)) {
            Some(entry) => Self { span: entry.key_span.clone(), ..self.clone() },
            None => self.nowhere(),
        }
    }

    /// To an item of an array.
    pub(in crate::policy) fn item(&self, index: usize) -> Self {
        let items = match self.node.map(|node| &node.kind) {
            Some(Kind::Array(items)) => items.as_slice(),
            _ => &[],
        };
        match items.get(index) {
            Some(node) => Self { node: Some(node), span: node.span.clone(), lines: self.lines },
            None => self.nowhere(),
        }
    }

    /// True when the text writes something here.
    pub(in crate::policy) fn is_written(&self) -> bool {
        self.node.is_some()
    }

    /// True when nothing was pruned here: what is not written was not meant.
    pub(in crate::policy) fn is_whole(&self) -> bool {
        match self.node.map(|node| &node.kind) {
            Some(Kind::Table(table)) => table.pruned.is_empty(),
            _ => true,
        }
    }

    /// Where it is in the text.
    pub(in crate::policy) fn place(&self) -> Place {
        self.lines.place(self.span.clone())
    }

    fn nowhere(&self) -> Self {
        Self { node: None, ..self.clone() }
    }
}

/// Builds the tree from what the parser gives.
pub(super) struct Builder<'a, 'e> {
    pub(super) environment: &'a mut Environment<'e>,
    pub(super) lines: &'a LineIndex<'a>,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Builder<'_, '_> {
    pub(super) fn table(&mut self, members: &DeTable<'_>) -> Table {
        let mut table = Table::default();
        for (key, value) in members {
            let name = key.get_ref().to_string();
            match self.node(value) {
                Some(node) => table.entries.push(Entry { key: name, key_span: key.span(), node }),
                None => table.pruned.push(name),
            }
        }
        table.entries.sort_by_key(|entry| entry.key_span.start);
        table
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Node> {
        let span = value.span();
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::Text(self.text(text, &span)?),
            DeValue::Integer(integer) => {
                let digits = (integer.as_str(), integer.radix());
                let number = i64::from_str_radix(digits.0, digits.1).map(Number::from).ok();
                Kind::Number(self.number(number, &span)?)
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(Number::from_f64);
                Kind::Number(self.number(number, &span)?)
            }
            DeValue::Boolean(flag) => Kind::Bool(*flag),
            DeValue::Datetime(_) => {
                let help = "write it as a string";
                let message = "a date or time is not a policy value";
                self.report(Diagnostic::error("wrong_type", &self.lines.place(span), message).help(help));
                return None;
            }
            DeValue::Array(items) => Kind::Array(items.iter().filter_map(|item| self.node(item)).collect()),
            DeValue::Table(members) => Kind::Table(self.table(members)),
        };
        Some(Node { span, kind })
    }

    fn text(&mut self, text: &str, span: &Range<usize>) -> Option<String> {
        match expand(text, self.environment) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                let place = self.lines.place(span.clone());
                let problem = Diagnostic::error(error.code(), &place, error.to_string());
                self.report(problem.help(error.help()));
                None
            }
        }
    }

    fn number(&mut self, number: Option<Number>, span: &Range<usize>) -> Option<Number> {
        if number.is_none() {
            let place = self.lines.place(span.clone());
            let problem = Diagnostic::error("number_out_of_range", &place, "the number is out of range");
            self.report(problem.expected("a 64-bit integer or a finite float"));
        }
        number
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
