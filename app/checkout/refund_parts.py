"""What of a sale goes back: which part of each line, for how much, and the points that part had earned.

Everything is counted from the beginning of the sale. Of the money each line by itself; of the points the sale as a
whole: what its lines have given back earned so much together, to the fraction, rounded down once. So any split of
refunds sums to the sale, to the fen and to the point, and never keeps the member a whole point for what is gone.
Rounded line by line, many half lines would have kept one each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

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
    """`points` of all parts together is what the refund takes back; that of one may be rounded either way."""

    line_no: int
    quantity: int
    amount_fen: int
    points: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Quantities by line number; or an amount, for a sale without lines; or neither: all that is left."""

    quantities: Mapping[int, int] | None = None
    amount_fen: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """What of a line goes back."""

    line: SoldLine
    quantity: int
    amount_fen: int


def parts_of(lines: Sequence[SoldLine], wanted: Wanted, *, points_back: int) -> list[RefundPart]:
    """The parts of the lines that go back, after refunds that took back `points_back` points of the sale.

    Raises `RefundExceedsSale`, `RefundByLine`, `NothingToRefund`.
    """
    if wanted.amount_fen is not None:
        pieces = [_by_amount(lines, wanted.amount_fen)]
    elif wanted.quantities is not None:
        pieces = _by_quantity({line.line_no: line for line in lines}, wanted.quantities)
    else:
        pieces = [
            _Piece(line=line, quantity=line.quantity_left, amount_fen=line.left_fen)
            for line in lines
            if line.quantity_left
        ]
    if not pieces:
        raise NothingToRefund
    return list(_with_points(pieces, lines, points_back))


def _with_points(
    pieces: Iterable[_Piece], lines: Iterable[SoldLine], points_back: int
) -> Iterator[RefundPart]:
    """Piece by piece as many points as bring the sale to the whole points of all that has gone back by then."""
    earned = sum(
        (_earned(line, line.refunded_quantity, line.refunded_fen) for line in lines), start=Fraction(0)
    )
    for piece in pieces:
        line = piece.line
        earned += _earned(
            line, line.refunded_quantity + piece.quantity, line.refunded_fen + piece.amount_fen
        ) - _earned(line, line.refunded_quantity, line.refunded_fen)
        points = max(0, floor(earned) - points_back)
        points_back += points
        yield RefundPart(
            line_no=line.line_no, quantity=piece.quantity, amount_fen=piece.amount_fen, points=points
        )


def _by_amount(lines: Sequence[SoldLine], amount_fen: int) -> _Piece:
    [*others, line] = lines
    if others or line.sku:
        raise RefundByLine
    if amount_fen > line.left_fen:
        raise _exceeds(line)
    # The one article counts as back once all of its money is.
    quantity = line.quantity_left if amount_fen == line.left_fen else 0
    return _Piece(line=line, quantity=quantity, amount_fen=amount_fen)


def _by_quantity(lines: Mapping[int, SoldLine], quantities: Mapping[int, int]) -> list[_Piece]:
    pieces = []
    for line_no, quantity in sorted(quantities.items()):
        line = lines.get(line_no)
        if line is None:
            raise RefundExceedsSale(line_no=line_no, quantity=0, amount_fen=0)
        if quantity > line.quantity_left:
            raise _exceeds(line)
        # Counted from the beginning as well: of three pieces for 10.00 the first two cost 6.66, the last 3.34.
        upto_fen = line.amount_fen * (line.refunded_quantity + quantity) // line.quantity
        pieces.append(_Piece(line=line, quantity=quantity, amount_fen=upto_fen - line.refunded_fen))
    return pieces


def _earned(line: SoldLine, quantity: int, amount_fen: int) -> Fraction:
    """Of a line's points, how many belong to so much of it; goods without a price go by number."""
    earning_fen = line.amount_fen - line.uncredited_fen
    if earning_fen:
        return Fraction(line.points * (amount_fen - line.uncredited_fen), earning_fen)
    return Fraction(line.points * quantity, line.quantity)


def _exceeds(line: SoldLine) -> RefundExceedsSale:
    return RefundExceedsSale(line_no=line.line_no, quantity=line.quantity_left, amount_fen=line.left_fen)
