//! `query_table`: the steps of a query in their order. Not the steps themselves.
//!
//! Invariant: filter, then group, then sort, then select, then limit; what goes out is bounded in rows and
//! in bytes, and says how many rows there are.

use crate::aggregate::{self, Aggregate};
use crate::cell::Cell;
use crate::columns;
use crate::filter::{self, Filter};
use crate::source::Source;
use crate::table::{Row, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate_sdk::{Failure, tool};

/// Rows, when not chosen.
const LIMIT: usize = 50;

/// Bytes of all cells in one answer: with their escapes below the host's usual limit of 256 KiB.
const RESULT_BYTES_MAX: usize = 100_000;

/// Rows that answer a query.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// The names of the columns, in the order of the cells of each row.
    columns: Vec<String>,
    /// The rows. Numbers of more than 15 digits are given as text; an empty cell is null.
    rows: Vec<Vec<Cell>>,
    /// How many rows there are in all, before `limit`.
    total_rows: usize,
    /// True when `rows` are not all of them.
    truncated: bool,
    /// The sheets of a workbook; empty for CSV.
    sheets: Vec<String>,
}

/// A column to sort by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sort {
    /// The column; after grouping, one of the result.
    column: String,
    /// Greatest first.
    #[serde(default)]
    descending: bool,
}

/// Queries a table: CSV or an Excel workbook (.xlsx). Use it to look at a table, and to filter, group, sum
/// and sort it, instead of reading it and computing yourself: sums are exact. With only `path` and a small
/// `limit` it shows the columns and the first rows: begin with that.
///
/// Example: {"path": "orders.csv", "filter": [{"column": "status", "op": "eq", "value": "paid"}],
/// "group_by": ["country"], "aggregate": [{"function": "sum", "column": "amount"}],
/// "sort": [{"column": "sum_amount", "descending": true}], "limit": 5}
#[tool(needs(fs))]
#[expect(clippy::too_many_arguments, reason = "they are the fields of the arguments object")]
pub(crate) fn query_table(
    /// The table as CSV text, the first row naming the columns. Give this or `path`.
    #[schemars(length(max = 1_000_000))]
    csv: Option<String>,
    /// The file, CSV or .xlsx. Give this or `csv`.
    path: Option<String>,
    /// The sheet of a workbook; the first when left out.
    sheet: Option<String>,
    /// The number of the row that names the columns, from 1; the first that is not empty when left out.
    #[schemars(range(min = 1))]
    header_row: Option<usize>,
    /// Keep only rows for which all of these hold.
    #[serde(default)]
    #[schemars(length(max = 20))]
    filter: Vec<Filter>,
    /// Make one row of all rows that are alike in these columns.
    #[serde(default)]
    #[schemars(length(max = 10))]
    group_by: Vec<String>,
    /// What to compute over each group, or over all rows without `group_by`.
    #[serde(default)]
    #[schemars(length(max = 20))]
    aggregate: Vec<Aggregate>,
    /// Sort by these columns, the first one first. Empty cells come last.
    #[serde(default)]
    #[schemars(length(max = 5))]
    sort: Vec<Sort>,
    /// The columns to return, in this order; all when left out.
    #[serde(default)]
    #[schemars(length(max = 100))]
    select: Vec<String>,
    /// The most rows to return.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
) -> Result<Answer, Failure> {
    let Source { mut table, sheets } =
        Source::read(csv.as_deref(), path.as_deref(), sheet.as_deref(), header_row)?;
    filter::keep(&mut table, &filter)?;
    if !group_by.is_empty() || !aggregate.is_empty() {
        table = aggregate::group(&table, &group_by, &aggregate)?;
    }
    order(&mut table, &sort)?;
    let chosen = match select.is_empty() {
        true => (0..table.columns.len()).collect(),
        false => {
            select.iter().map(|name| columns::find(&table.columns, name)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let columns = chosen.iter().filter_map(|column| table.columns.get(*column)).cloned().collect();
    let rows = bounded(&table.rows, &chosen, limit);
    Ok(Answer {
        columns,
        truncated: rows.len() < table.rows.len(),
        total_rows: table.rows.len(),
        rows,
        sheets,
    })
}

fn limit() -> usize {
    LIMIT
}

fn order(table: &mut Table, sort: &[Sort]) -> Result<(), Failure> {
    let by = sort.iter().map(|sort| Ok((columns::find(&table.columns, &sort.column)?, sort.descending)));
    let by = by.collect::<Result<Vec<_>, Failure>>()?;
    table.rows.sort_by(|a, b| {
        let orders = by.iter().map(|(column, descending)| {
            let (a, b) = (a.cell(*column), b.cell(*column));
            let order = a.sort(b);
            if *descending && !a.is_empty() && !b.is_empty() { order.reverse() } else { order }
        });
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(())
}

/// The first rows, as many as may go out.
fn bounded(rows: &[Row], columns: &[usize], limit: usize) -> Vec<Vec<Cell>> {
    let mut bytes = 0_usize;
    let rows =
        rows.iter().take(limit).map(|row| columns.iter().map(|column| row.cell(*column).clone()).collect());
    rows.take_while(|row: &Vec<Cell>| {
        let sizes = row.iter().map(|cell| cell.text().len().saturating_add(1));
        bytes = sizes.fold(bytes, usize::saturating_add);
        bytes <= RESULT_BYTES_MAX
    })
    .collect()
}

#[cfg(test)]
mod tests;
