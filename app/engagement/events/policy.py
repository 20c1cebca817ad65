"""What holds for events of the whole brand."""

from typing import Annotated, ClassVar

from msgspec import Meta

from app.policies import Policy


class EventPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gives a seat up too late gets `late_return_percent` of the points back; a coupon only with all of them.

    Of lots that have ended meanwhile what goes back may be spent for `grace_days` more. Who was there may say what they
    think of it for `feedback_days` after the end.
    """

    NAME: ClassVar[str] = "events"

    late_return_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    grace_days: Annotated[int, Meta(ge=0, le=366)] = 30
    feedback_days: Annotated[int, Meta(ge=1, le=366)] = 14
