"""What holds for sales that tills made without network: whether, how late, and how much."""

from typing import Annotated, ClassVar, Self

from msgspec import Meta

from app.policies import Policy

#: No policy takes anything older: so long, and a day, the uses of codes are kept (app/work.py).
LONGEST_HOURS = 7 * 24


class OfflinePolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Off until somebody turns it on. The two limits are what a stolen API key is worth: they count members' points."""

    NAME: ClassVar[str] = "offline_till"

    enabled: bool = False
    most_age_hours: Annotated[int, Meta(ge=1, le=LONGEST_HOURS)] = 72
    #: Of one sale with a member's code; a sale without is of any amount.
    most_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 200_000
    #: Of one terminal, by the day on which it uploads.
    most_points_a_day: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 20_000

    def loosens(self, former: Self) -> bool:
        """Turned off it allows nothing, whatever the other fields say: that never waits for anybody."""
        return self.enabled and super().loosens(former)
