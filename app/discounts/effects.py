"""What a benefit takes off the lines it is about; amounts in fen, always rounded down."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

#: Ten-thousandths: 500 is five per cent.
BASIS = 10_000
MOST_FEN = 1_000_000_000
MOST_TIMES = 10_000
MOST_FREE = 100

_Some = Annotated[int, Meta(ge=1, le=MOST_FEN)]


class PercentOff(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="percent",
):
    """A part of the price; `most_fen` is the most it takes off the bill."""

    percent_bp: Annotated[int, Meta(ge=1, le=BASIS)]
    most_fen: _Some | None = None

    def off(self, amount_fen: int) -> int:
        off = amount_fen * self.percent_bp // BASIS
        return off if self.most_fen is None else min(off, self.most_fen)


class AmountOff(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="amount",
):
    off_fen: _Some

    def off(self, amount_fen: int) -> int:
        return min(self.off_fen, amount_fen)


class PerFull(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="per_full",
):
    """`off_fen` for each `every_fen` that is reached, at most `most_times`."""

    every_fen: _Some
    off_fen: _Some
    most_times: Annotated[int, Meta(ge=1, le=MOST_TIMES)] | None = None

    @property
    def fault(self) -> str | None:
        """What makes no sense about it."""
        return "effect: off_fen is more than every_fen" if self.off_fen > self.every_fen else None

    def off(self, amount_fen: int) -> int:
        times = amount_fen // self.every_fen
        if self.most_times is not None:
            times = min(times, self.most_times)
        return min(times * self.off_fen, amount_fen)


class SpecialPrice(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="price",
):
    """What each piece costs instead; where it costs no more already, nothing changes."""

    price_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)]

    def by_line(self, nets: Sequence[int], quantities: Sequence[int]) -> list[int]:
        """What it takes off each line."""
        return [
            max(0, net - self.price_fen * quantity) for net, quantity in zip(nets, quantities, strict=True)
        ]


class FreePieces(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="free",
):
    """The dearest `pieces` pieces cost nothing; a piece is what its line costs, in whole fen for each."""

    pieces: Annotated[int, Meta(ge=1, le=MOST_FREE)] = 1

    def by_line(self, nets: Sequence[int], quantities: Sequence[int]) -> list[int]:
        """What it takes off each line."""
        each = [net // quantity for net, quantity in zip(nets, quantities, strict=True)]
        off, left = [0] * len(nets), self.pieces
        for place in sorted(range(len(nets)), key=each.__getitem__, reverse=True):
            taken = min(left, quantities[place])
            off[place] = each[place] * taken
            left -= taken
        return off


class Gift(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="gift",
):
    """Something handed over besides what is bought; it takes nothing off the bill."""

    item_zh: Annotated[str, Meta(min_length=1, max_length=40)]
    item_en: Annotated[str, Meta(min_length=1, max_length=60)]
    sku: Annotated[str, Meta(max_length=64)] = ""

    def off(self, amount_fen: int) -> int:
        return 0

    def item(self, language: str) -> str:
        return self.item_en if language == "en" else self.item_zh


#: What a rule of discount may do; coupons do more (app/coupons/face.py).
RuleEffect = PercentOff | AmountOff | PerFull | SpecialPrice
Effect = RuleEffect | FreePieces | Gift


def share(off_fen: int, nets: Sequence[int]) -> list[int]:
    """The amount by line in proportion to what each still costs, by largest remainder; of equal ones the earlier line.

    It sums exactly, and no line gets more than it costs, for `off_fen` is at most the sum of `nets`.
    """
    total = sum(nets)
    if off_fen == total:
        return list(nets)
    shares = [off_fen * net // total for net in nets]
    left = off_fen - sum(shares)
    if left:
        rest = [off_fen * net % total for net in nets]
        for place in sorted(range(len(nets)), key=rest.__getitem__, reverse=True)[:left]:
            shares[place] += 1
    return shares
