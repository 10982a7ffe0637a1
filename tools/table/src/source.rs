//! Where a table comes from: CSV text, or a file that is CSV or XLSX. Not what is asked of it.
//!
//! Invariant: a file that is missing and one that is refused get the same sentence.

use crate::cell::Cell;
use crate::table::{Row, Table, count_cells};
use crate::xlsx;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use toolgate_sdk::Failure;

/// The largest file or text, in bytes.
const SOURCE_BYTES_MAX: u64 = 8 << 20;

/// Files named when one is missing.
const NAMES_SHOWN_MAX: usize = 10;

/// A table and, of a workbook, the names of its sheets.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) table: Table,
    pub(crate) sheets: Vec<String>,
}

impl Source {
    /// Reads from exactly one of `csv` and `path`.
    pub(crate) fn read(
        csv: Option<&str>,
        path: Option<&str>,
        sheet: Option<&str>,
        header_row: Option<usize>,
    ) -> Result<Self, Failure> {
        let bytes = match (csv, path) {
            (Some(csv), None) => csv.as_bytes().to_vec(),
            (None, Some(path)) => load(path)?,
            _ => return Err(Failure::invalid_input("give the table by exactly one of `csv` and `path`")),
        };
        if bytes.starts_with(xlsx::MAGIC) {
            return xlsx::read(bytes, sheet, header_row);
        }
        if sheet.is_some() {
            return Err(Failure::invalid_input(
                "`sheet` is for workbooks, and this table is CSV: leave it out",
            ));
        }
        Ok(Self { table: Table::new(rows(&bytes)?, header_row)?, sheets: Vec::new() })
    }
}

fn load(path: &str) -> Result<Vec<u8>, Failure> {
    let about = |error: io::Error| unreadable(path, &error);
    let file = File::open(path).map_err(about)?;
    let metadata = file.metadata().map_err(about)?;
    if !metadata.is_file() {
        return Err(Failure::invalid_input(format!(
            "`{path}` is no file: give the path of a CSV or XLSX file"
        )));
    }
    let mut bytes = Vec::new();
    file.take(SOURCE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(about)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SOURCE_BYTES_MAX) {
        let length = metadata.len();
        return Err(Failure::invalid_input(format!(
            "`{path}` has {length} bytes, and a table may have {SOURCE_BYTES_MAX}: split it first"
        )));
    }
    Ok(bytes)
}

fn unreadable(path: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory => {
            Failure::not_found(format!("there is no `{path}` that this tool can reach; {}", neighbors(path)))
        }
        ErrorKind::IsADirectory => {
            Failure::invalid_input(format!("`{path}` is a folder: {}", neighbors(path)))
        }
        _ => Failure::from(io::Error::new(error.kind(), format!("`{path}`: {error}"))),
    }
}

/// The tables in the same folder.
fn neighbors(path: &str) -> String {
    let is_table = |name: &String| {
        let name = name.to_lowercase();
        [".csv", ".tsv", ".xlsx"].iter().any(|ending| name.ends_with(ending))
    };
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_table).collect();
    names.sort();
    names.truncate(NAMES_SHOWN_MAX);
    match names.as_slice() {
        [] => "no table is beside it: check the path".to_owned(),
        names => format!("the tables in that folder: `{}`", names.join("`, `")),
    }
}

fn rows(bytes: &[u8]) -> Result<Vec<Row>, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or_else(|| {
        Failure::invalid_input(
            "the table is neither CSV as UTF-8 text nor XLSX: save it as one of them first",
        )
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let (mut rows, mut cells) = (Vec::new(), 0_usize);
    for (record, number) in reader.records().zip(1_usize..) {
        let record =
            record.map_err(|error| Failure::invalid_input(format!("row {number} is not CSV: {error}")))?;
        count_cells(&mut cells, record.len())?;
        rows.push(Row::new(number, record.iter().map(Cell::read).collect()));
    }
    Ok(rows)
}

/// The delimiter that the first line uses most, outside quotes: a comma, semicolon, tab or bar.
fn delimiter(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (delimiter, count) in &mut counts {
                    *count = count.saturating_add(usize::from(*delimiter == byte));
                }
            }
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use toolgate_sdk::FailureKind;

    fn csv(text: &str) -> Table {
        Source::read(Some(text), None, None, None).expect("a table").table
    }

    #[test]
    fn csv_is_read_with_quotes_line_breaks_and_any_usual_delimiter() {
        let table = csv("\u{feff}id;\"a, b\"\r\n1;\"x\ny\"\r\n\r\n2\r\n");
        assert_eq!(table.columns, ["id", "a, b"]);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0].cell(1), &Cell::Text("x\ny".to_owned()));
        assert_eq!(table.rows[1].cell(1), &Cell::Empty);
        for text in ["a\tb\n1\t2", "a|b\n1|2", "a,b\n1,2"] {
            assert_eq!(csv(text).columns, ["a", "b"], "{text}");
        }
    }

    #[test]
    fn cells_beyond_the_header_get_a_name() {
        assert_eq!(csv("a\n1,2\n").columns, ["a", "column_2"]);
        assert_eq!(csv("a,b\n1,2,3\n").columns, ["a", "b", "column_3"]);
    }

    #[test]
    fn the_header_can_be_a_later_row() {
        let source = Source::read(Some("Sales 2026,\n,\na,b\n1,2\n"), None, None, Some(3)).expect("a table");
        assert_eq!(source.table.columns, ["a", "b"]);
        assert_eq!(source.table.rows.len(), 1);
        let refusal = Source::read(Some("a,b\n1,2\n"), None, None, Some(9)).expect_err("no row 9");
        assert!(refusal.message.contains("the last one is 2"), "{refusal}");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Source::read(Some(""), None, None, None).is_err());
        assert!(Source::read(None, None, None, None).is_err());
        assert!(Source::read(Some("a"), Some("b"), None, None).is_err());
        assert!(
            Source::read(Some("a"), None, Some("May"), None)
                .expect_err("CSV")
                .message
                .contains("leave it out")
        );
        assert!(Source::read(Some("PK\u{3}\u{4}"), None, None, None).is_err());
    }

    #[test]
    fn a_missing_file_is_answered_with_the_tables_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.CSV", "a.xlsx", "note.md"] {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        let path = folder.path().join("sales.csv");
        let failure = Source::read(None, path.to_str(), None, None).expect_err("missing");
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.message.ends_with("`a.xlsx`, `b.CSV`"), "{failure}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-b0-9,;\"\n\r.-]{0,60}") {
            let _ = Source::read(Some(&text), None, None, None);
        }
    }
}
