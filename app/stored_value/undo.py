"""What of a top-up goes back, worked out line by line: pure arithmetic over what its own lots still hold.

Nobody keeps anything for nothing. A refund of any size ends the gift: bonus that is unused goes, bonus that was spent
is deducted from the money, and points go in proportion to the principal. So there is no order of spending and refunding
that leaves more than paying would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.errors import Conflict
from app.stored_value.refund_policy import TopUpRefundPolicy


class TopUpRefundExceeds(Conflict):
    """So much of it is not unused. Data: `unused_fen`."""

    code = "top_up_refund_exceeds"


class TopUpRefundNothing(Conflict):
    """What is deducted leaves no money to give back; the principal stays. Data: `unused_fen`, `deducted_fen`."""

    code = "top_up_refund_nothing"


@dataclass(frozen=True, kw_only=True)
class Lot:
    """One lot of the top-up: `taken` by refunds of it, `ended` unspent."""

    entry_id: int
    given: int
    left: int
    ended: int
    taken: int

    @property
    def spent(self) -> int:
        return self.given - self.left - self.ended - self.taken


@dataclass(frozen=True, kw_only=True)
class Given:
    """Points that an entry gave for the top-up, and how many of them refunds took back, of which `lapsed` had ended."""

    entry_id: int
    points: int
    back: int
    lapsed: int


@dataclass(frozen=True, kw_only=True)
class Stands:
    """How a top-up stands: what was paid, what refunds gave back and charged, and what its lots hold."""

    top_up_id: str
    method: str
    paid_fen: int
    refunded_fen: int
    charged_fen: int
    principal: Lot
    bonus: Sequence[Lot]
    points: Sequence[Given]
    until: date
    today: date

    @property
    def unused_fen(self) -> int:
        return self.principal.left

    @property
    def spent_bonus_fen(self) -> int:
        return sum(lot.spent for lot in self.bonus)

    @property
    def cooling_off(self) -> bool:
        """Nothing of it was ever used, and it is as young as that."""
        return self.today <= self.until and self.principal.spent == 0 and self.spent_bonus_fen == 0


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The arithmetic of one refund, as it is shown, agreed to and carried out.

    `principal_fen` of the `unused_fen` is given up; `amount_fen` of it is money, `deducted_fen` pays, at `share_bp`,
    for `bonus_charged_fen` of bonus that was spent. `bonus_fen` is taken back; `bonus_ended_fen` ended unspent and
    costs nothing. `refunded_fen` of `paid_fen` went back before.
    """

    top_up_id: str
    method: str
    paid_fen: int
    refunded_fen: int
    unused_fen: int
    principal_fen: int
    bonus_fen: int
    bonus_charged_fen: int
    bonus_ended_fen: int
    share_bp: int
    deducted_fen: int
    amount_fen: int
    points: int
    cooling_off: bool
    cooling_off_until: date


def work_out(stands: Stands, policy: TopUpRefundPolicy, principal_fen: int | None) -> Sum:
    """The refund of so much unused principal, None: of all. Raises `TopUpRefundExceeds`, `TopUpRefundNothing`."""
    wanted = stands.unused_fen if principal_fen is None else principal_fen
    if wanted > stands.unused_fen:
        raise TopUpRefundExceeds(unused_fen=stands.unused_fen)
    charged = max(0, stands.spent_bonus_fen - stands.charged_fen)
    deducted = policy.deducted_fen(charged)
    if wanted <= deducted:
        raise TopUpRefundNothing(unused_fen=stands.unused_fen, deducted_fen=deducted)
    return Sum(
        top_up_id=stands.top_up_id,
        method=stands.method,
        paid_fen=stands.paid_fen,
        refunded_fen=stands.refunded_fen,
        unused_fen=stands.unused_fen,
        principal_fen=wanted,
        bonus_fen=sum(amount for _, amount in bonus_takes(stands)),
        bonus_charged_fen=charged,
        bonus_ended_fen=sum(lot.ended for lot in stands.bonus),
        share_bp=policy.spent_bonus_bp,
        deducted_fen=deducted,
        amount_fen=wanted - deducted,
        points=sum(points for _, points in points_back(stands, wanted)),
        cooling_off=stands.cooling_off,
        cooling_off_until=stands.until,
    )


def bonus_takes(stands: Stands) -> list[tuple[int, int]]:
    """Entry and fen of every lot of bonus that is taken back.

    Bonus that a refund charged for and that came back to its lot since is the member's: they have paid for it.
    """
    paid_for = max(0, stands.charged_fen - stands.spent_bonus_fen)
    found = []
    for lot in stands.bonus:
        kept = min(paid_for, lot.left)
        paid_for -= kept
        if lot.left > kept:
            found.append((lot.entry_id, lot.left - kept))
    return found


def points_back(stands: Stands, principal_fen: int) -> list[tuple[Given, int]]:
    """The points that go with so much principal, by the entry that gave them: counted from the beginning of the top-up,
    so that any split of refunds sums to the same."""
    refunded = stands.refunded_fen + principal_fen
    return [
        (given, points)
        for given in stands.points
        if (points := given.points * refunded // stands.paid_fen - given.back) > 0
    ]
