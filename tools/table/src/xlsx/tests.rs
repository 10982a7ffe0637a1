//! Workbooks made here, part by part.

use super::*;
use std::io::Write;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const SHEET: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="2"><c r="A2" t="inlineStr"><is><t>month</t></is></c><c r="B2" t="s"><v>0</v></c>
<c r="C2" t="inlineStr"><is><t>ok</t></is></c></row>
<row r="3"><c r="A3" s="1"><v>46143</v></c><c r="B3"><v>19.9</v></c><c r="C3" t="b"><v>1</v></c></row>
<row r="5"><c r="A5" t="inlineStr"><is><t>007</t></is></c><c r="C5" t="e"><v>#DIV/0!</v></c></row>
</sheetData></worksheet>"#;

const PACKAGE: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="xl/workbook.xml"
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>"#;

const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="May" sheetId="1" r:id="r1"/></sheets></workbook>"#;

const RELATIONSHIPS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="worksheets/sheet1.xml"
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>"#;

const STRINGS: &str = r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<si><t>revenue</t></si></sst>"#;

/// Number format 14 is a date.
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>
<xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

fn workbook(sheet: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONSHIPS),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/styles.xml", STYLES),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, stored).expect("a part");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("an archive").into_inner()
}

#[test]
fn a_sheet_is_read_with_its_dates_numbers_and_gaps() {
    let source = read(workbook(SHEET), None, None).expect("a sheet");
    assert_eq!(
        (source.sheets.as_slice(), source.table.columns.as_slice()),
        (&["May".to_owned()][..], &["month".to_owned(), "revenue".to_owned(), "ok".to_owned()][..])
    );
    let texts: Vec<_> = source
        .table
        .rows
        .iter()
        .map(|row| (0..3).map(|at| row.cell(at).text().into_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(texts, [["2026-05-01", "19.9", "true"], ["007", "", "#DIV/0!"]]);
    let numbers: Vec<_> = source.table.rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [3, 5]);
}

#[test]
fn a_wrong_sheet_is_answered_with_the_sheets() {
    assert!(read(workbook(SHEET), Some("may"), None).is_ok());
    let failure = read(workbook(SHEET), Some("June"), None).expect_err("no June");
    assert!(failure.message.contains("`May`"), "{failure}");
}

#[test]
fn a_cell_in_the_far_corner_costs_no_memory_or_is_refused() {
    let corner = |place: &str| {
        format!(
            r#"<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row><c r="{place}"><v>1</v></c></row></sheetData></worksheet>"#
        )
    };
    let low = read(workbook(&corner("A1048576")), None, None).expect("one far row");
    assert_eq!(low.table.rows.len(), 1);
    assert!(read(workbook(&corner("XFD2")), None, None).expect_err("far right").message.contains("columns"));
}

#[test]
fn what_only_begins_like_a_workbook_is_refused() {
    let whole = workbook(SHEET);
    for length in [4, 100, whole.len() / 2, whole.len() - 30] {
        assert!(read(whole[..length].to_vec(), None, None).is_err(), "{length}");
    }
    assert!(read(workbook("<worksheet><sheetData><row><c"), None, None).is_err());
}
