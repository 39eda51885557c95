"""Files of our own making, as people have them: tables as text, and workbooks with just what a reader needs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from html import escape

WIDE_GERMAN = (
    "Vermögen (€);31.12.2024;31.03.2025;30.06.2025\r\n"
    "Girokonto Bäcker & Söhne;1.234,56;2.345,67;-120,50\r\n"
    "Tagesgeld;10.000,00;;10.151,25\r\n"
    "Hypothek;-180.000,00;-178.500,00;-177.000,00\r\n"
    "Summe;-168.765,44;-176.154,33;-166.969,25\r\n"
).encode("cp1252")
LONG_AMERICAN = (
    b"\xef\xbb\xbfDate,Account,Balance\r\n"
    b'1/31/2025,"First Checking","$4,321.09"\r\n'
    b'1/31/2025,"Visa Card","($1,250.75)"\r\n'
    b'2/28/2025,"First Checking","$3,987.65"\r\n'
    b'2/28/2025,"Visa Card","-$980.10"\r\n'
    b'3/31/2025,"First Checking","$1,051,234.56"\r\n'
    b'3/31/2025,"Visa Card","$0.00"\r\n'
)
DAYS_DOWN = (
    b"Date,Checking,Visa Card,House,Total\n"
    b"2024-01-31,2500.00,-310.20,0.00,2189.80\n"
    b"2024-02-29,2600.00,,250000.00,252600.00\n"
)
AMBIGUOUS = (
    b"date,asset,value,currency\n"
    b"03/04/2026,Savings,1000.00,EUR\n"
    b"05/06/2026,Savings,1100.00,EUR\n"
    b"12/11/2026,House,251000.00,EUR\n"
)

type Value = str | float | int | date | Formula | None


class Formula(str):
    """A formula with the result that is stored with it: Formula("A1*2", "12"). Without one, "" ."""

    result: str

    def __new__(cls, text: str, result: str = "") -> Formula:
        formula = super().__new__(cls, text)
        formula.result = result
        return formula


_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_RELATIONS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_STYLES = (
    f'<styleSheet {_MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
)


def xlsx(sheets: Mapping[str, Sequence[Sequence[Value]]], *, hidden: Collection[str] = ()) -> bytes:
    """A workbook with these sheets."""
    members = {"[Content_Types].xml": _TYPES, "xl/styles.xml": _STYLES}
    members["_rels/.rels"] = (
        f'{_RELATIONS}<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    names, relations = "", f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    for number, (name, rows) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name in hidden else ""
        names += f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="r{number}"/>'
        relations += (
            f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        )
        body = "".join(_row(at, row) for at, row in enumerate(rows, 1))
        members[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
        )
    members["xl/workbook.xml"] = f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'
    members["xl/_rels/workbook.xml.rels"] = f"{_RELATIONS}{relations}</Relationships>"
    return zipped({name: text.encode() for name, text in members.items()})


def _row(number: int, row: Sequence[Value]) -> str:
    cells = "".join(
        _cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(row) if value is not None
    )
    return f'<row r="{number}">{cells}</row>'


def _cell(reference: str, value: Value) -> str:
    if isinstance(value, Formula):
        result = f"<v>{value.result}</v>" if value.result else ""
        return f'<c r="{reference}"><f>{escape(value)}</f>{result}</c>'
    if isinstance(value, date):
        return f'<c r="{reference}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def ods(sheets: Mapping[str, Sequence[Sequence[str | float]]], *, empty_rows: int = 0) -> bytes:
    """A spreadsheet with these sheets, each with so many repeated empty rows at its end."""
    names = {
        prefix: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"
        for prefix, name in {"office": "office", "table": "table", "text": "text"}.items()
    }
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    end = (
        f'<table:table-row table:number-rows-repeated="{empty_rows}"><table:table-cell/></table:table-row>'
        if empty_rows
        else ""
    )
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(_ods_row(row) for row in rows)}{end}</table:table>'
        for name, rows in sheets.items()
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )


def _ods_row(row: Sequence[str | float]) -> str:
    cells = ""
    for value in row:
        if isinstance(value, str):
            cells += f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        else:
            cells += f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    return f"<table:table-row>{cells}</table:table-row>"


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()
