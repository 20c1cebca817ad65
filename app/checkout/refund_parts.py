"""What of a sale goes back: which part of each line, for how much, and the points that part had earned.

Everything is counted from the beginning of the sale: a line that has gone back by a half has given back half of its
points, rounded down, whatever steps led there. So any split of refunds sums to the sale, to the fen and to the point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import Conflict, Invalid


class RefundExceedsSale(Conflict):
    """Data: `line_no`, and what is left of that line: `quantity`, `amount_fen`."""

    code = "refund_exceeds_sale"


class RefundByLine(Invalid):
    """An amount was named for a sale with lines: of what it is the money must be said."""

    code = "refund_by_line"


class NothingToRefund(Conflict):
    code = "nothing_to_refund"


@dataclass(frozen=True, kw_only=True)
class SoldLine:
    """A line of the sale, with what of it went back before; without `sku` it stands for a sale without lines.

    Of that, `uncredited_fen` earned nothing: it had gone back before the sale had a member.
    """

    line_no: int
    sku: str
    quantity: int
    unit_price_fen: int
    points: int
    refunded_quantity: int
    refunded_fen: int
    discount_fen: int = 0
    uncredited_fen: int = 0

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.unit_price_fen - self.discount_fen

    @property
    def quantity_left(self) -> int:
        return self.quantity - self.refunded_quantity

    @property
    def left_fen(self) -> int:
        return self.amount_fen - self.refunded_fen


@dataclass(frozen=True, kw_only=True)
class RefundPart:
    line_no: int
    quantity: int
    amount_fen: int
    points: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Quantities by line number; or an amount, for a sale without lines; or neither: all that is left."""

    quantities: Mapping[int, int] | None = None
    amount_fen: int | None = None


def parts_of(lines: Sequence[SoldLine], wanted: Wanted) -> list[RefundPart]:
    """The parts of the lines that go back. Raises `RefundExceedsSale`, `RefundByLine`, `NothingToRefund`."""
    if wanted.amount_fen is not None:
        parts = [_by_amount(lines, wanted.amount_fen)]
    elif wanted.quantities is not None:
        parts = _by_quantity({line.line_no: line for line in lines}, wanted.quantities)
    else:
        parts = [_part(line, line.quantity_left, line.left_fen) for line in lines if line.quantity_left]
    if not parts:
        raise NothingToRefund
    return parts


def _by_amount(lines: Sequence[SoldLine], amount_fen: int) -> RefundPart:
    [*others, line] = lines
    if others or line.sku:
        raise RefundByLine
    if amount_fen > line.left_fen:
        raise _exceeds(line)
    # The one article counts as back once all of its money is.
    return _part(line, line.quantity_left if amount_fen == line.left_fen else 0, amount_fen)


def _by_quantity(lines: Mapping[int, SoldLine], quantities: Mapping[int, int]) -> list[RefundPart]:
    parts = []
    for line_no, quantity in sorted(quantities.items()):
        line = lines.get(line_no)
        if line is None:
            raise RefundExceedsSale(line_no=line_no, quantity=0, amount_fen=0)
        if quantity > line.quantity_left:
            raise _exceeds(line)
        # Counted from the beginning as well: of three pieces for 10.00 the first two cost 6.66, the last 3.34.
        upto_fen = line.amount_fen * (line.refunded_quantity + quantity) // line.quantity
        parts.append(_part(line, quantity, upto_fen - line.refunded_fen))
    return parts


def _part(line: SoldLine, quantity: int, amount_fen: int) -> RefundPart:
    before = _points_back(line, line.refunded_quantity, line.refunded_fen)
    after = _points_back(line, line.refunded_quantity + quantity, line.refunded_fen + amount_fen)
    return RefundPart(line_no=line.line_no, quantity=quantity, amount_fen=amount_fen, points=after - before)


def _points_back(line: SoldLine, quantity: int, amount_fen: int) -> int:
    """Of a line's points, how many belong to what has gone back so far; goods without a price go by number."""
    earning_fen = line.amount_fen - line.uncredited_fen
    if earning_fen:
        return line.points * (amount_fen - line.uncredited_fen) // earning_fen
    return line.points * quantity // line.quantity


def _exceeds(line: SoldLine) -> RefundExceedsSale:
    return RefundExceedsSale(line_no=line.line_no, quantity=line.quantity_left, amount_fen=line.left_fen)
