#!/usr/bin/env python3
"""Makes sales.xlsx for the demo: two sheets, out of nothing but the standard library.

Usage: make_xlsx.py [FILE]. The same bytes each time. Dates are days since 1899-12-30, as in every workbook.
"""

import sys
import zipfile
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

SALES = [["month", "country", "article", "units", "revenue", "returns"]] + [
    [date(2026, month, 1), country, article, units, revenue, returns]
    for month, country, article, units, revenue, returns in [
        (8, "DE", "Oak desk lamp", 41, 2045.90, 2),
        (8, "FR", "Oak desk lamp", 17, 848.30, 1),
        (8, "DE", "Wool throw", 12, 1068.00, 0),
        (9, "DE", "Oak desk lamp", 38, 1896.20, 3),
        (9, "FR", "Enamel kettle", 22, 1298.00, 1),
        (9, "AT", "Wall clock", 9, 576.00, 2),
        (10, "DE", "Oak desk lamp", 52, 2594.80, 9),
        (10, "FR", "Wool throw", 31, 2759.00, 1),
        (10, "AT", "Beeswax candle", 120, 1548.00, 0),
        (10, "DE", "Enamel kettle", 27, 1593.00, None),
    ]
]
STOCK = [["article", "in_stock", "reorder_at"]] + [
    ["Oak desk lamp", 14, 20],
    ["Wool throw", 33, 15],
    ["Enamel kettle", 8, 10],
    ["Wall clock", 21, 5],
    ["Beeswax candle", 260, 100],
]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def cell(place, value):
    """One cell; dates have style 1, which is number format 14."""
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def sheet(rows):
    """One worksheet."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = (cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(row) if value is not None)
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def relationships(targets):
    """The links from one part to others, as (id, kind, target)."""
    links = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>' for name, kind, target in targets
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}">{links}</Relationships>'


PARTS = {
    "[Content_Types].xml": f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": relationships([("r1", "officeDocument", "xl/workbook.xml")]),
    "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Sales" sheetId="1" r:id="r1"/><sheet name="Stock" sheetId="2" r:id="r2"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": relationships(
        [
            ("r1", "worksheet", "worksheets/sheet1.xml"),
            ("r2", "worksheet", "worksheets/sheet2.xml"),
            ("r3", "styles", "styles.xml"),
        ]
    ),
    "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet1.xml": sheet(SALES),
    "xl/worksheets/sheet2.xml": sheet(STOCK),
}


def main():
    """Writes the workbook."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sales.xlsx")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as workbook:
        for name, text in PARTS.items():
            workbook.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
