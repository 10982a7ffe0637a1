//! XLSX by calamine: one sheet, cell by cell. Not formulas or formats: the values that were stored.
//!
//! Invariant: memory follows the cells that are there, not the corners of the sheet.

use crate::cell::Cell;
use crate::source::Source;
use crate::table::{Row, Table, count_cells};
use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use std::io::Cursor;
use toolgate_sdk::Failure;

/// How every XLSX file begins: it is a ZIP archive.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// Columns of a sheet that are read; one beyond is refused.
const COLUMNS_MAX: usize = 1_000;

/// The named sheet of a workbook, or its first.
pub(crate) fn read(
    bytes: Vec<u8>,
    sheet: Option<&str>,
    header_row: Option<usize>,
) -> Result<Source, Failure> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let sheets = workbook.sheet_names();
    let name = match sheet {
        None => sheets.first(),
        Some(wanted) => sheets.iter().find(|name| name.to_lowercase() == wanted.to_lowercase()),
    };
    let name = name.ok_or_else(|| {
        let wanted = sheet.unwrap_or_default();
        Failure::not_found(format!("there is no sheet `{wanted}`; the sheets: `{}`", sheets.join("`, `")))
    })?;
    let table = Table::new(rows(&mut workbook, name)?, header_row)?;
    Ok(Source { table, sheets })
}

fn rows(workbook: &mut Xlsx<Cursor<Vec<u8>>>, sheet: &str) -> Result<Vec<Row>, Failure> {
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(|error| unreadable(&error))?;
    let mut rows = Vec::new();
    let (mut number, mut row, mut counted) = (0_usize, Vec::new(), 0_usize);
    while let Some(cell) = reader.next_cell().map_err(|error| unreadable(&error))? {
        let (at, column) = cell.get_position();
        let at = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(1);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let cell = value(cell.get_value());
        if cell.is_empty() {
            continue;
        }
        if column >= COLUMNS_MAX {
            return Err(Failure::invalid_input(format!("the sheet has more than {COLUMNS_MAX} columns")));
        }
        if at != number {
            rows.push(Row::new(number, std::mem::take(&mut row)));
            number = at;
        }
        let width = column.saturating_add(1);
        count_cells(&mut counted, width.saturating_sub(row.len()))?;
        row.resize(width.max(row.len()), Cell::Empty);
        if let Some(place) = row.get_mut(column) {
            *place = cell;
        }
    }
    rows.push(Row::new(number, row));
    Ok(rows)
}

fn unreadable(error: &XlsxError) -> Failure {
    Failure::invalid_input(format!("the file is no XLSX workbook that can be read: {error}"))
}

fn value(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Number((*number).into()),
        DataRef::Float(number) => Cell::float(*number),
        DataRef::String(text) => text_cell(text),
        DataRef::SharedString(text) => text_cell(text),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(time) => Cell::Text(iso(time)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text_cell(text),
        DataRef::Error(error) => Cell::Text(error.to_string()),
    }
}

/// A workbook knows which of its cells are text: `007` and `7` alike stay what they are there.
fn text_cell(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
}

/// ISO 8601: a date, a date and time, or for a duration hours, minutes and seconds.
fn iso(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    if time.is_duration() {
        let hours = (time.as_f64() * 24.0).floor();
        return format!("{hours:02}:{minute:02}:{second:02}");
    }
    match (hour, minute, second) {
        (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

#[cfg(test)]
mod tests;
