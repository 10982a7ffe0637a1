//! Which rows to keep. Not a language: a list of conditions that must all hold.
//!
//! Invariant: a comparison that no row could answer is an error, not an empty answer.

use crate::cell::Cell;
use crate::columns;
use crate::table::{Row, Table};
use schemars::JsonSchema;
use serde::Deserialize;
use std::cmp::Ordering;
use toolgate_sdk::Failure;

/// How a cell is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    /// Equal to `value`.
    Eq,
    /// Not equal to `value`, or empty.
    Ne,
    /// Less than `value`: numbers by size, text (and dates as 2026-05-31) by alphabet.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Holds `value` somewhere, in capital or small letters.
    Contains,
    /// Begins with `value`, in capital or small letters.
    StartsWith,
    /// Equal to one of `values`.
    In,
    /// Has no content; takes no value.
    Empty,
    /// Has content; takes no value.
    NotEmpty,
}

/// One condition on a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// The column.
    column: String,
    /// The test.
    op: Op,
    /// What to compare with.
    value: Option<Cell>,
    /// What to compare with, for `in`.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    values: Vec<Cell>,
}

/// Keeps the rows for which all conditions hold.
pub(crate) fn keep(table: &mut Table, filters: &[Filter]) -> Result<(), Failure> {
    for filter in filters {
        let column = columns::find(&table.columns, &filter.column)?;
        let value = operand(filter)?;
        comparable(&table.rows, column, filter, value)?;
        table.rows.retain(|row| holds(row.cell(column), filter.op, value, &filter.values));
    }
    Ok(())
}

/// The value that the test needs; empty where it needs none.
fn operand(filter: &Filter) -> Result<&Cell, Failure> {
    let column = &filter.column;
    match (filter.op, &filter.value) {
        (Op::Empty | Op::NotEmpty, _) => Ok(&Cell::Empty),
        (Op::In, _) if filter.values.is_empty() => {
            Err(Failure::invalid_input(format!("the filter on `{column}` is `in`: give a list in `values`")))
        }
        (Op::In, _) => Ok(&Cell::Empty),
        (_, Some(value)) if !value.is_empty() => Ok(value),
        _ => Err(Failure::invalid_input(format!(
            "the filter on `{column}` needs a `value`; to look for cells without content use the op `empty`"
        ))),
    }
}

/// Refuses to order cells of one kind by a value of another.
fn comparable(rows: &[Row], column: usize, filter: &Filter, value: &Cell) -> Result<(), Failure> {
    if !matches!(filter.op, Op::Lt | Op::Le | Op::Gt | Op::Ge) {
        return Ok(());
    }
    let mut cells = rows.iter().map(|row| row.cell(column)).filter(|cell| !cell.is_empty());
    let Some(first) = cells.clone().next() else { return Ok(()) };
    if cells.any(|cell| cell.compare(value).is_some()) {
        return Ok(());
    }
    Err(Failure::invalid_input(format!(
        "`{}` holds {} (as `{}`), and cannot be compared with `{}`, which is {}",
        filter.column,
        first.kind(),
        first.text(),
        value.text(),
        value.kind()
    )))
}

fn holds(cell: &Cell, op: Op, value: &Cell, values: &[Cell]) -> bool {
    let order = || cell.compare(value);
    let folded = |cell: &Cell| cell.text().to_lowercase();
    match op {
        Op::Eq => cell.same(value),
        Op::Ne => !cell.same(value),
        Op::Lt => order() == Some(Ordering::Less),
        Op::Le => order().is_some_and(Ordering::is_le),
        Op::Gt => order() == Some(Ordering::Greater),
        Op::Ge => order().is_some_and(Ordering::is_ge),
        Op::Contains => folded(cell).contains(&folded(value)),
        Op::StartsWith => folded(cell).starts_with(&folded(value)),
        Op::In => values.iter().any(|value| cell.same(value)),
        Op::Empty => cell.is_empty(),
        Op::NotEmpty => !cell.is_empty(),
    }
}
