"""What sets an automation going: something that happened to a member, or a day of the calendar that came for them.

Data in, a checked trigger out; who it means is asked in events.py and days.py.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.campaigns.content import misread
from app.coupons.models import CouponTemplate
from app.errors import Invalid
from app.tiers.models import Tier
from app.typed import convert

MOST_FEN = 1_000_000_000
MOST_DAYS = 366

_Fen = Annotated[int, Meta(ge=1, le=MOST_FEN)]
_Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]
_Ahead = Annotated[int, Meta(ge=0, le=90)]
#: Of a template of coupons, or an event; whether there is one, also of what was left empty, is asked of the database.
Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{0,26}\Z")]
_Code = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,24}\Z")]


class AutomationMalformed(Invalid):
    """Data: `field`, what does not fit, and the place in it; `reason`, what is wrong there."""

    code = "automation_malformed"


def misfit(fault: str, field: str) -> AutomationMalformed:
    """With words for it in app/texts/malformed_campaigns.py."""
    return AutomationMalformed(field=field, reason=f"{fault} - at `$.{field}`")


class Trigger(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"
):
    """Days are those of the chain's calendar."""


class Joined(Trigger, frozen=True, tag="joined"):
    pass


class FirstPurchase(Trigger, frozen=True, tag="first_purchase"):
    """The first of which something is kept."""


class SpentInSale(Trigger, frozen=True, tag="spent_in_sale"):
    """In one sale, less what went back."""

    at_least_fen: _Fen


class SpentInDays(Trigger, frozen=True, tag="spent_in_days"):
    """The sale with which those of the last `days`, its own included, come to so much."""

    at_least_fen: _Fen
    days: _Days


class TierUp(Trigger, frozen=True, tag="tier_up"):
    """`tier` None: any."""

    tier: _Code | None = None


class CouponUsed(Trigger, frozen=True, tag="coupon_used"):
    """`template` None: any."""

    template: Id | None = None


class EventBooked(Trigger, frozen=True, tag="event_booked"):
    """Seats of an event, at once or from the waiting list. `event` None: of any."""

    event: Id | None = None


class Birthday(Trigger, frozen=True, tag="birthday"):
    """So many days before it; 29 February is celebrated on the 28th in years that have none."""

    days: _Ahead


class PointsEnding(Trigger, frozen=True, tag="points_ending"):
    """So many days before the last on which they can be spent."""

    days: _Ahead
    at_least: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class BonusEnding(Trigger, frozen=True, tag="bonus_ending"):
    """The same of stored value that was given on top."""

    days: _Ahead
    at_least_fen: _Fen = 1


class CouponEnding(Trigger, frozen=True, tag="coupon_ending"):
    """The same of coupons that are not used up. `template` None: of any."""

    days: _Ahead
    template: Id | None = None


class TierEnding(Trigger, frozen=True, tag="tier_ending"):
    """So many days before a tier that has not been earned again is lost."""

    days: _Ahead


class IdleBalance(Trigger, frozen=True, tag="idle_balance"):
    """Stored value that nothing was put into or taken from for so many days."""

    days: _Days
    at_least_fen: _Fen = 1


class NoVisit(Trigger, frozen=True, tag="no_visit"):
    """The last purchase was so many days ago."""

    days: _Days


EVENTS = (Joined, FirstPurchase, SpentInSale, SpentInDays, TierUp, CouponUsed, EventBooked)
CALENDAR = (Birthday, PointsEnding, BonusEnding, CouponEnding, TierEnding, IdleBalance, NoVisit)


def _kinds(classes: tuple[type[Trigger], ...]) -> tuple[str, ...]:
    return tuple(str(one.__struct_config__.tag) for one in classes)


EVENT_KINDS, CALENDAR_KINDS = _kinds(EVENTS), _kinds(CALENDAR)
KINDS = EVENT_KINDS + CALENDAR_KINDS

_Any = (
    Joined
    | FirstPurchase
    | SpentInSale
    | SpentInDays
    | TierUp
    | CouponUsed
    | EventBooked
    | Birthday
    | PointsEnding
    | BonusEnding
    | CouponEnding
    | TierEnding
    | IdleBalance
    | NoVisit
)


_KNOWN = text("SELECT CAST(:event AS varchar) IS NULL OR EXISTS (SELECT FROM events WHERE id = :event)")


def read(session: Session, data: object) -> tuple[str, dict[str, Any]]:
    """Its kind, and the trigger as it is kept. Raises `AutomationMalformed`."""
    found = struct(data, _Any, "trigger")
    if isinstance(found, TierUp) and found.tier is not None:
        known = select(Tier.id).where(Tier.code == found.tier)
        if session.execute(known).one_or_none() is None:
            raise misfit("no such tier", "trigger.tier")
    if isinstance(found, CouponUsed | CouponEnding) and found.template is not None:
        check_template(session, found.template, "trigger.template")
    if isinstance(found, EventBooked) and not session.execute(_KNOWN, {"event": found.event}).scalar_one():
        raise misfit("no such event", "trigger.event")
    kept = msgspec.to_builtins(found)
    return str(kept["kind"]), dict(kept)


def struct(data: object, kind: Any, field: str) -> Any:
    """What was written, as that type. Raises `AutomationMalformed` with the place in `field`."""
    try:
        return convert(data, kind)
    except msgspec.ValidationError as error:
        raise misfit(*misread(error, field)) from None


def check_template(session: Session, template_id: str, field: str) -> None:
    """There is such a template of coupons; whether it is live is asked when one is given."""
    if session.get(CouponTemplate, template_id) is None:
        raise misfit("no such template", field)
