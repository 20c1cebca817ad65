"""With what a sale is paid, and what of each goes back with a part of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from app.errors import Invalid

Kind = Literal["cash", "card", "wechat_pay", "alipay", "other", "points", "principal", "bonus"]
#: What a till takes in itself and tells us of.
TOLD: tuple[Kind, ...] = ("cash", "card", "wechat_pay", "alipay", "other")
#: What earns no points: it was a gift before.
EARNS_NOTHING = ("points", "bonus")
_STORED: tuple[Kind, ...] = ("principal", "bonus")


class TendersDoNotSum(Invalid):
    """Data: `payable_fen`, what they should come to."""

    code = "tenders_do_not_sum"


@dataclass(frozen=True, kw_only=True)
class Tender:
    """All that was paid in one way; `points` is how many of them the amount took."""

    kind: Kind
    amount_fen: int
    points: int = 0


def own_value(tenders: Iterable[Tender]) -> dict[str, int]:
    """What of them is the member's own value, as facts tell it to messages; nothing that is none."""
    by_kind = {tender.kind: tender for tender in tenders}
    points = by_kind.get("points")
    stored_fen = sum(by_kind[kind].amount_fen for kind in _STORED if kind in by_kind)
    return {
        **({} if points is None else {"own_points": points.points, "own_points_fen": points.amount_fen}),
        **({"own_stored_fen": stored_fen} if stored_fen else {}),
    }


def told(tenders: Iterable[Tender], payable_fen: int) -> tuple[Tender, ...]:
    """What the till took in, each kind once. Without a word about it the amount was paid in some other way.

    Raises `TendersDoNotSum`.
    """
    sums: dict[Kind, int] = {}
    for tender in tenders:
        sums[tender.kind] = sums.get(tender.kind, 0) + tender.amount_fen
    if not sums and payable_fen:
        sums["other"] = payable_fen
    if sum(sums.values()) != payable_fen:
        raise TendersDoNotSum(payable_fen=payable_fen)
    return tuple(Tender(kind=kind, amount_fen=fen) for kind, fen in sums.items() if fen)


#: The order in which `given_back` takes them; the member's own value first, so that each has its exact share.
_ORDER: tuple[Kind, ...] = (
    "points",
    "bonus",
    "principal",
    *(kind for kind in get_args(Kind) if kind in TOLD),
)


def given_back(paid: Sequence[Tender], *, before_fen: int, after_fen: int) -> tuple[Tender, ...]:
    """What of each tender goes back when the refunds of the sale grow from `before_fen` to `after_fen`.

    In proportion, counted from the beginning of the sale: any split of refunds gives back the same, nothing twice, and
    the last one all that is left. Of points, as many as the fen that go back with them have taken.
    """
    return tuple(_between(_so_far(paid, before_fen), _so_far(paid, after_fen)))


def _so_far(paid: Sequence[Tender], fen: int) -> dict[Kind, Tender]:
    """Each tender's share of the first `fen` of the sale.

    The first takes its share rounded down, the next its share of what the first has left, and so on. None of these
    ever shrinks when the whole grows; shares that are rounded each on its own would.
    """
    found: dict[Kind, Tender] = {}
    left_fen = sum(tender.amount_fen for tender in paid)
    for tender in sorted(paid, key=lambda tender: _ORDER.index(tender.kind)):
        share = tender.amount_fen * fen // left_fen
        points = tender.points * share // tender.amount_fen
        found[tender.kind] = Tender(kind=tender.kind, amount_fen=share, points=points)
        fen, left_fen = fen - share, left_fen - tender.amount_fen
    return found


def _between(before: dict[Kind, Tender], after: dict[Kind, Tender]) -> Iterator[Tender]:
    for kind, tender in after.items():
        fen, points = tender.amount_fen - before[kind].amount_fen, tender.points - before[kind].points
        if fen or points:
            yield Tender(kind=kind, amount_fen=fen, points=points)
