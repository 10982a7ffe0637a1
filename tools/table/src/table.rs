//! A table in memory: names and rows. Not where it came from.
//!
//! Invariant: a row has a cell for every column.

use crate::cell::Cell;
use crate::columns;
use toolgate_sdk::Failure;

/// Cells of a table: what fits into a guest's memory beside everything else.
pub(crate) const CELLS_MAX: usize = 500_000;

/// A row of the source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its number in the source, from 1; 0 for a row that was computed.
    pub(crate) number: usize,
    cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn new(number: usize, cells: Vec<Cell>) -> Self {
        Self { number, cells }
    }

    /// The cell of a column; empty when the row ends before it.
    pub(crate) fn cell(&self, column: usize) -> &Cell {
        self.cells.get(column).unwrap_or(&Cell::Empty)
    }
}

/// Names and rows.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Takes the names from row number `header_row`, or from the first row. Rows are as in the source,
    /// without its empty ones.
    pub(crate) fn new(mut rows: Vec<Row>, header_row: Option<usize>) -> Result<Self, Failure> {
        rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
        let header = match header_row {
            None => 0,
            Some(number) => rows.iter().position(|row| row.number == number).ok_or_else(|| {
                let last = rows.last().map_or(0, |row| row.number);
                Failure::invalid_input(format!(
                    "`header_row` is {number}: that row is empty; the last one is {last}"
                ))
            })?,
        };
        let mut rows = rows.split_off(header.min(rows.len())).into_iter();
        let Some(header) = rows.next() else {
            return Err(Failure::invalid_input(
                "the table is empty: it has no row with the names of its columns",
            ));
        };
        let rows: Vec<_> = rows.collect();
        let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).max(header.cells.len());
        let columns = columns::unique((0..width).map(|column| header.cell(column).text().into_owned()));
        Ok(Self { columns, rows })
    }
}

/// Refuses the cell that is one too many.
pub(crate) fn count_cells(counted: &mut usize, more: usize) -> Result<(), Failure> {
    *counted = counted.saturating_add(more);
    if *counted > CELLS_MAX {
        return Err(Failure::invalid_input(format!(
            "the table has more than {CELLS_MAX} cells: split it first"
        )));
    }
    Ok(())
}
