//! Groups of rows, each made one row. Not sorting: groups come in the order in which they first appear.
//!
//! Invariant: sums are exact; empty cells count for nothing; text where a number is needed is an error that
//! names its row.

use crate::cell::Cell;
use crate::columns;
use crate::table::{Row, Table};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::HashMap;
use toolgate_sdk::Failure;

/// Digits of an average, which need not end.
const AVERAGE_DIGITS: u32 = 15;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Function {
    /// Rows; with a column, those that are not empty there.
    Count,
    /// The exact sum.
    Sum,
    /// The average, to 15 digits.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// One value to compute over each group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aggregate {
    /// What to compute.
    function: Function,
    /// Over which column; `count` may do without.
    column: Option<String>,
    /// The name of the result; as `sum_amount` when left out.
    #[serde(rename = "as")]
    name: Option<String>,
}

/// The table of groups: the columns grouped by, then one for each aggregate.
pub(crate) fn group(table: &Table, by: &[String], aggregates: &[Aggregate]) -> Result<Table, Failure> {
    let by = by.iter().map(|name| columns::find(&table.columns, name)).collect::<Result<Vec<_>, _>>()?;
    let over = aggregates.iter().map(|aggregate| over(table, aggregate)).collect::<Result<Vec<_>, _>>()?;
    let mut places: HashMap<Vec<&Cell>, usize> = HashMap::new();
    let mut groups: Vec<(Vec<&Cell>, Vec<&Row>)> = Vec::new();
    if by.is_empty() {
        groups.push((Vec::new(), table.rows.iter().collect()));
    } else {
        for row in &table.rows {
            let key: Vec<_> = by.iter().map(|column| row.cell(*column)).collect();
            let place = *places.entry(key.clone()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((key, vec![row])),
            }
        }
    }
    let names = by.iter().filter_map(|column| table.columns.get(*column)).cloned();
    let columns = columns::unique(names.chain(aggregates.iter().map(name)));
    let rows = groups.into_iter().map(|(key, rows)| {
        let computed =
            aggregates.iter().zip(&over).map(|(aggregate, column)| compute(aggregate, *column, &rows));
        let cells = key.into_iter().cloned().map(Ok).chain(computed).collect::<Result<_, _>>()?;
        Ok(Row::new(0, cells))
    });
    Ok(Table { columns, rows: rows.collect::<Result<_, Failure>>()? })
}

/// The column that an aggregate is over.
fn over(table: &Table, aggregate: &Aggregate) -> Result<Option<usize>, Failure> {
    match (&aggregate.column, aggregate.function) {
        (Some(column), _) => columns::find(&table.columns, column).map(Some),
        (None, Function::Count) => Ok(None),
        (None, function) => {
            let word = word(function);
            Err(Failure::invalid_input(format!(
                "the aggregate `{word}` needs a `column`; only `count` does without"
            )))
        }
    }
}

fn word(function: Function) -> &'static str {
    match function {
        Function::Count => "count",
        Function::Sum => "sum",
        Function::Avg => "avg",
        Function::Min => "min",
        Function::Max => "max",
    }
}

fn name(aggregate: &Aggregate) -> String {
    let word = word(aggregate.function);
    match (&aggregate.name, &aggregate.column) {
        (Some(name), _) => name.clone(),
        (None, Some(column)) => format!("{word}_{column}"),
        (None, None) => word.to_owned(),
    }
}

fn compute(aggregate: &Aggregate, column: Option<usize>, rows: &[&Row]) -> Result<Cell, Failure> {
    let Some(column) = column else { return Ok(Cell::Number(rows.len().into())) };
    let cells = rows.iter().map(|row| row.cell(column)).filter(|cell| !cell.is_empty());
    match aggregate.function {
        Function::Count => Ok(Cell::Number(cells.count().into())),
        Function::Min => Ok(extreme(cells, Ordering::Less)),
        Function::Max => Ok(extreme(cells, Ordering::Greater)),
        Function::Sum => sum(aggregate, column, rows).map(|(sum, _)| Cell::Number(sum)),
        Function::Avg => {
            let (sum, count) = sum(aggregate, column, rows)?;
            let average =
                sum.checked_div(Decimal::from(count)).and_then(|average| average.round_sf(AVERAGE_DIGITS));
            Ok(average.map_or(Cell::Empty, Cell::Number))
        }
    }
}

fn extreme<'c>(mut cells: impl Iterator<Item = &'c Cell>, wanted: Ordering) -> Cell {
    let first = cells.next();
    let best = first
        .map(|first| cells.fold(first, |best, cell| if cell.sort(best) == wanted { cell } else { best }));
    best.cloned().unwrap_or(Cell::Empty)
}

/// The sum, and how many numbers it is of.
fn sum(aggregate: &Aggregate, column: usize, rows: &[&Row]) -> Result<(Decimal, usize), Failure> {
    let name = aggregate.column.as_deref().unwrap_or_default();
    let (mut sum, mut count) = (Decimal::ZERO, 0_usize);
    for row in rows {
        match row.cell(column) {
            Cell::Empty => {}
            Cell::Number(number) => {
                sum = sum.checked_add(*number).ok_or_else(|| {
                    Failure::invalid_input(format!(
                        "the sum of `{name}` has more than 28 digits: filter the rows"
                    ))
                })?;
                count = count.saturating_add(1);
            }
            other => {
                return Err(Failure::invalid_input(format!(
                    "`{name}` is no number in row {}, but {}: `{}`; filter such rows out first",
                    row.number,
                    other.kind(),
                    other.text().chars().take(40).collect::<String>()
                )));
            }
        }
    }
    Ok((sum, count))
}
