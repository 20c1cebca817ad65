"""What a till says was bought."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import Invalid


class LinesDoNotSum(Invalid):
    """Data: `lines_fen`, what the lines come to."""

    code = "lines_do_not_sum"


@dataclass(frozen=True, kw_only=True)
class Line:
    sku: str
    name: str
    quantity: int
    unit_price_fen: int
    category: str = ""

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.unit_price_fen


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What was bought. Without lines the whole amount counts as one."""

    receipt_no: str
    amount_fen: int
    lines: Sequence[Line]


def lines_of(bill: Bill) -> Sequence[Line]:
    """The lines of the bill, one for the whole amount if the till gave none. Raises `LinesDoNotSum`."""
    if not bill.lines:
        return [Line(sku="", name="", quantity=1, unit_price_fen=bill.amount_fen)]
    total = sum(line.amount_fen for line in bill.lines)
    if total != bill.amount_fen:
        raise LinesDoNotSum(lines_fen=total)
    return bill.lines
