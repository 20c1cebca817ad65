"""Paying with points: what they are worth, and how many of them a bill takes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from app.policies import Policy

_BASIS = 10_000
_FEN_PER_YUAN = 100

#: Why a bill takes fewer points than were offered; `used` when it takes them all.
PointsReason = Literal["none", "used", "off", "not_enough", "share", "least", "step"]


class PointsPaymentPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many points are a yuan (None: points pay for nothing); at least so many, in such steps, up to such a share of
    the bill after discounts."""

    NAME: ClassVar[str] = "paying_with_points"

    points_per_yuan: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    least_points: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    step_points: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    most_share_bp: Annotated[int, Meta(ge=0, le=_BASIS)] = _BASIS

    def loosens(self, former: "PointsPaymentPolicy") -> bool:
        """Fewer points for a yuan, fewer at least, smaller steps and a greater share all give more away."""
        if self.points_per_yuan is None:
            return False
        return (
            former.points_per_yuan is None
            or self.points_per_yuan < former.points_per_yuan
            or self.least_points < former.least_points
            or self.step_points < former.step_points
            or self.most_share_bp > former.most_share_bp
        )


@dataclass(frozen=True, kw_only=True)
class PointsUse:
    """So many points pay so many fen. `most_points` of this bill could be paid with at most."""

    points: int
    fen: int
    reason: PointsReason
    most_points: int = 0


def use(policy: PointsPaymentPolicy, *, wanted: int, have: int, bill_fen: int) -> PointsUse:
    """How many of at most `wanted` points the bill takes from a member who may spend `have`.

    Never more points than the fen they pay for are worth, nor a fen above the share of the bill.
    """
    if policy.points_per_yuan is None:
        return PointsUse(points=0, fen=0, reason="off" if wanted else "none")
    share = _most_within(policy.points_per_yuan, bill_fen * policy.most_share_bp // _BASIS)
    points = _taken(policy, policy.points_per_yuan, min(wanted, have, share))
    return PointsUse(
        points=points,
        fen=_worth(policy.points_per_yuan, points),
        reason=_reason(policy, points, wanted, have, share),
        most_points=_taken(policy, policy.points_per_yuan, min(have, share)),
    )


def _worth(per_yuan: int, points: int) -> int:
    return points * _FEN_PER_YUAN // per_yuan


def _most_within(per_yuan: int, fen: int) -> int:
    """The most points that are worth no more."""
    return ((fen + 1) * per_yuan - 1) // _FEN_PER_YUAN


def _taken(policy: PointsPaymentPolicy, per_yuan: int, points: int) -> int:
    """In whole steps, not below the least, and without points that pay nothing."""
    points -= points % policy.step_points
    needed = -(-_worth(per_yuan, points) * per_yuan // _FEN_PER_YUAN)
    needed += -needed % policy.step_points
    return needed if needed >= max(policy.least_points, 1) else 0


def _reason(policy: PointsPaymentPolicy, points: int, wanted: int, have: int, share: int) -> PointsReason:
    if not wanted:
        return "none"
    if points == wanted:
        return "used"
    offered = min(wanted, have, share)
    if points == 0 and offered < policy.least_points:
        return "least"
    if offered == wanted:
        return "step"
    return "not_enough" if have < share else "share"
