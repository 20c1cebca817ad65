"""What a statement reckons with: what a point and a fen of bonus cost between stores."""

from typing import Annotated, ClassVar, Self

from msgspec import Meta

from app.policies import Policy


class SettlementPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Principal is money that was taken, so it is owed whole. A closed statement keeps the policy of its closing."""

    NAME: ClassVar[str] = "settlement"

    #: Of bonus spent elsewhere, how much the store that gave it owes; 10,000 is all of it.
    bonus_cost_bp: Annotated[int, Meta(ge=0, le=10_000)] = 10_000
    #: What a thousand points redeemed elsewhere cost the store that gave them.
    fen_per_1000_points: Annotated[int, Meta(ge=0, le=1_000_000)] = 1_000
    #: The most that a statement may owe, all lines together, for one person to close it alone; None: any amount.
    alone_fen: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] | None = None

    def points_fen(self, points: int) -> int:
        """What so many points cost, for a report: rounded down. A statement rounds each line (figures.py)."""
        return points * self.fen_per_1000_points // 1000

    def loosens(self, former: Self) -> bool:
        """Up or down, another cost takes from one store what it gives to the other."""
        costs = (self.bonus_cost_bp, self.fen_per_1000_points)
        return costs != (former.bonus_cost_bp, former.fen_per_1000_points) or Policy.loosens(self, former)
