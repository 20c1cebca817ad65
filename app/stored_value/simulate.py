"""What an offer would have given: past top-ups with it and without it. Writes nothing.

Bounds and the picture of the books are those of app/points/simulate.py.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.db import ask
from app.errors import NotFound
from app.points import simulate as past
from app.stored_value.offers import Draft, check


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """`top_ups` were credited in the period, `changed` of them would have got something else; the rest are sums."""

    top_ups: int
    changed: int
    members_touched: int
    bonus_before_fen: int
    bonus_after_fen: int
    bonus_more_fen: int
    bonus_less_fen: int
    points_before: int
    points_after: int


def simulate(
    *, draft: Draft, offer_no: int | None, since: datetime, until: datetime, now: datetime
) -> Simulation:
    """Give for the top-ups credited within `[since, until)` what the draft would have given.

    Beside the other offers it is taken for its exact amount where it gives more than what was given then; in place of
    offer `offer_no` it is given to those who took that one for the same amount, and the others of them get nothing.
    Nobody is thought to have paid another amount because of it. What its members had taken before `since` is not
    counted against `most_per_member`.

    Raises `SimulationTooLarge`, `NotFound` for an unknown offer, `OfferMalformed`, `OfferInThePast`.
    """
    check(draft, "offer.create", now)
    period = past.period_of(since, until, None)
    with past.snapshot() as connection:
        if offer_no is not None and not ask(connection, _KNOWN, {"offer_no": offer_no}):
            raise NotFound
        found = ask(connection, _TOP_UPS, {**period, "most": past.MOST_SALES + 1})
        if len(found) > past.MOST_SALES:
            raise past.SimulationTooLarge
    given = _Given(draft, offer_no)
    for row in found:
        given.note(row)
    return given.told()


_KNOWN = "SELECT 1 AS known FROM top_up_offers WHERE offer_no = %(offer_no)s LIMIT 1"
_TOP_UPS = """
    SELECT t.member_id, t.amount_fen, t.bonus_fen, t.points, o.offer_no, NOT EXISTS (
        SELECT FROM top_ups b WHERE b.member_id = t.member_id AND b.state = 'credited'
            AND (b.credited_at, b.id) < (t.credited_at, t.id)) AS first
    FROM top_ups t LEFT JOIN top_up_offers o ON o.id = t.offer_id
    WHERE t.state = 'credited' AND t.credited_at >= %(since)s AND t.credited_at < %(until)s
    ORDER BY t.credited_at, t.id LIMIT %(most)s"""


@dataclass
class _Given:
    draft: Draft
    offer_no: int | None
    top_ups: int = 0
    changed: int = 0
    bonus_before: int = 0
    points_before: int = 0
    points_change: int = 0
    more: int = 0
    less: int = 0
    members: set[int] = field(default_factory=set)
    taken: Counter[int] = field(default_factory=Counter)

    def note(self, row: Any) -> None:
        self.top_ups += 1
        self.bonus_before += row.bonus_fen
        self.points_before += row.points
        bonus_fen, points = self._after(row)
        if (bonus_fen, points) == (row.bonus_fen, row.points):
            return
        self.changed += 1
        self.more += max(0, bonus_fen - row.bonus_fen)
        self.less += max(0, row.bonus_fen - bonus_fen)
        self.points_change += points - row.points
        self.members.add(row.member_id)

    def _after(self, row: Any) -> tuple[int, int]:
        former = (row.bonus_fen, row.points)
        replaced = self.offer_no is not None and row.offer_no == self.offer_no
        if self.offer_no is not None and not replaced:
            return former
        wanted = (self.draft.bonus_fen, self.draft.points)
        if self._fits(row) and (replaced or wanted > former):
            self.taken[row.member_id] += 1
            return wanted
        return (0, 0) if replaced else former

    def _fits(self, row: Any) -> bool:
        most = self.draft.most_per_member
        return (
            row.amount_fen == self.draft.pay_fen
            and (row.first or not self.draft.first_only)
            and (most is None or self.taken[row.member_id] < most)
        )

    def told(self) -> Simulation:
        return Simulation(
            top_ups=self.top_ups,
            changed=self.changed,
            members_touched=len(self.members),
            bonus_before_fen=self.bonus_before,
            bonus_after_fen=self.bonus_before + self.more - self.less,
            bonus_more_fen=self.more,
            bonus_less_fen=self.less,
            points_before=self.points_before,
            points_after=self.points_before + self.points_change,
        )
