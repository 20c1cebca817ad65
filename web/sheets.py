"""Tables as files for spreadsheets: CSV and XLSX. Text stays text in both, whatever it begins with."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What a spreadsheet takes for the beginning of a formula, also behind what it skips.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOM = "\ufeff"

Cell = str | int | Decimal | date


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`name` has at most 31 characters. Numbers are cells to reckon with, everything else is to be read."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def yuan(amount_fen: int) -> Decimal:
    """To the fen, for a cell."""
    return Decimal(amount_fen).scaleb(-2)


def to_csv(sheet: Sheet) -> bytes:
    """RFC 4180 in UTF-8; the mark in front lets Excel see that it is."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_as_text(heading) for heading in sheet.headings])
    writer.writerows([_as_text(cell) for cell in row] for row in sheet.rows)
    return (_BOM + out.getvalue()).encode()


def _as_text(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def to_xlsx(sheets: Sequence[Sheet], *, created_at: datetime) -> bytes:
    """A workbook with a sheet for each."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": created_at.replace(tzinfo=None)})
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.headings) - 1, 16)
        for column, heading in enumerate(sheet.headings):
            page.write_string(0, column, heading, bold)
        for number, row in enumerate(sheet.rows, start=1):
            for column, cell in enumerate(row):
                _write(page, number, column, cell, money, day)
    book.close()
    return out.getvalue()


def _write(page: Any, row: int, column: int, cell: Cell, money: Any, day: Any) -> None:
    match cell:
        case str():
            page.write_string(row, column, cell)  # never as a formula, whatever it begins with
        case date():
            page.write_datetime(row, column, cell, day)
        case Decimal():
            page.write_number(row, column, cell, money)
        case _:
            page.write_number(row, column, cell)
