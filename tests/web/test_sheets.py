"""Tables as files: numbers are numbers, text stays text whatever it begins with."""

import io
import zipfile
from datetime import UTC, date, datetime

import pytest

from web.sheets import Sheet, to_csv, to_xlsx, yuan

AT = datetime(2026, 3, 1, tzinfo=UTC)


def sheet(*row: object) -> Sheet:
    return Sheet(name="明细", headings=["a"] * len(row), rows=[row])  # type: ignore[list-item]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "＝1"])
def test_text_is_no_formula(text: str) -> None:
    [_, cell] = to_csv(sheet(text)).decode("utf-8-sig").split("\r\n", 1)
    assert cell.strip('"').startswith("'")
    with zipfile.ZipFile(io.BytesIO(to_xlsx([sheet(text)], created_at=AT))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_amounts_below_zero_are_numbers_to_the_fen() -> None:
    row = (yuan(-1), yuan(100), yuan(10**12 + 1), -5, date(2026, 3, 1), 'a,"b"')
    assert to_csv(sheet(*row)).decode().split("\r\n")[1] == (
        '-0.01,1.00,10000000000.01,-5,2026-03-01,"a,""b"""'
    )
    with zipfile.ZipFile(io.BytesIO(to_xlsx([sheet(*row)], created_at=AT))) as book:
        cells = book.read("xl/worksheets/sheet1.xml").decode()
    for value in ("-0.01", "1", "10000000000.01", "-5"):
        assert f"<v>{value}</v>" in cells
