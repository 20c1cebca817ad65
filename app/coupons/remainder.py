"""What is left of a coupon that comes from another system: never more than its template gives."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.clock import HOME_ZONE, start_of_day
from app.errors import Invalid


class CouponUsesOutOfRange(Invalid):
    """More uses than a coupon of the template has."""

    code = "coupon_uses_out_of_range"


class CouponEndOutOfRange(Invalid):
    """The last day is over, comes before the first, or is later than that of a coupon issued now."""

    code = "coupon_end_out_of_range"


@dataclass(frozen=True, kw_only=True)
class Remainder:
    """`valid_through` is the last day by the chain's calendar. None: as the template gives."""

    uses: int | None = None
    valid_through: date | None = None


WHOLE = Remainder()


def fitted(
    left: Remainder, *, uses: int, window: tuple[datetime, datetime], now: datetime
) -> tuple[int, datetime]:
    """The uses of the coupon, and until when it is good, where a whole one has `uses` within `window`.

    More than the template gives nobody has agreed to. Raises `CouponUsesOutOfRange`, `CouponEndOutOfRange`.
    """
    begins, ends = window
    if left.uses is not None and not 1 <= left.uses <= uses:
        raise CouponUsesOutOfRange
    if left.valid_through is None:
        return left.uses or uses, ends
    until = start_of_day(left.valid_through + timedelta(days=1), HOME_ZONE)
    if not max(begins, now) < until <= ends:
        raise CouponEndOutOfRange
    return left.uses or uses, until
