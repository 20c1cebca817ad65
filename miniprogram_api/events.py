"""Events on the phone: what is on, booking seats of it, and one's bookings."""

import re
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement.events import bookings, cancel, feedback, programme
from app.engagement.events.book import Wish, book
from app.engagement.events.event import MOST_POINTS, MOST_SEATS_EACH
from app.engagement.events.programme import Offer, Shown
from app.engagement.events.when import when
from app.texts import say
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.events import EventBookingSchema, dump_booking
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import Page, PageArguments, asked, matched, page, page_of
from web.parts import parts
from web.pictures import picture_url, picture_url_field
from web.schemas import Strict, flag, text, whole

blueprint = Blueprint("events", __name__, url_prefix="/api/v1/events", description="Events to come")
booking_blueprint = Blueprint(
    "member_event_bookings", __name__, url_prefix="/api/v1/bookings", description="Seats of events"
)
guarded(blueprint, require_member)
guarded(booking_blueprint, require_member)

#: Nobody taps so often.
PER_MEMBER = Limit("event_bookings", 30, 60)
_PLACE = re.compile(r"([0-9]{1,11})-([0-9A-Z]{26})")


class ProgrammeArguments(PageArguments):
    for_points = fields.String(
        load_default="no",
        validate=validate.OneOf(("yes", "no")),
        metadata={"description": "yes: only what points are exchanged for"},
    )


class EventOfferSchema(Strict):
    id = fields.String(required=True)
    when = fields.String(
        required=True, metadata={"description": "by the store's clock, in the language asked for"}
    )
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    opens_at = fields.AwareDateTime(required=True, allow_none=True)
    closes_at = fields.AwareDateTime(required=True)
    points = fields.Integer(required=True, metadata={"description": "of one seat"})
    template_id = fields.String(
        required=True, allow_none=True, metadata={"description": "a coupon of it is the price"}
    )
    seats_each = fields.Integer(required=True, metadata={"description": "at most, for one member"})
    left = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "how many bookings wait"})
    cancel_hours = fields.Integer(
        required=True, metadata={"description": "until so many before it begins everything comes back"}
    )
    booking_id = fields.String(required=True, allow_none=True, metadata={"description": "one's own"})
    available = fields.Boolean(required=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("booked", "not_yet", "closed", "points", "coupon", "full")),
    )
    text = fields.String(required=True, allow_none=True, metadata={"description": "the reason in words"})


class MemberEventSchema(Strict):
    id = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "in the language asked for"})
    about = fields.String(required=True)
    picture_url = picture_url_field()
    notes = fields.String(required=True, metadata={"description": "what to bring and know"})
    store = fields.String(required=True)
    store_name = fields.String(required=True)
    sessions = fields.List(
        fields.Nested(EventOfferSchema()), required=True, metadata={"description": "those to come"}
    )


def _dump(shown: Shown) -> dict[str, Any]:
    told = {name: getattr(shown.content, f"{name}_{language()}") for name in ("title", "about", "notes")}
    return told | {
        "id": shown.event_id,
        "picture_url": picture_url(shown.content.picture_id),
        "store": shown.store,
        "store_name": shown.store_name,
        "sessions": [_dump_offer(offer, shown.time_zone) for offer in shown.sessions],
    }


_TERMS = (
    "starts_at",
    "ends_at",
    "opens_at",
    "closes_at",
    "points",
    "template_id",
    "seats_each",
    "cancel_hours",
)


def _dump_offer(offer: Offer, time_zone: str) -> dict[str, Any]:
    return {name: getattr(offer.terms, name) for name in _TERMS} | {
        "id": offer.session_id,
        "when": when(offer.terms.starts_at, offer.terms.ends_at, time_zone, language()),
        "left": offer.left,
        "waiting": offer.waiting,
        "booking_id": offer.booking_id,
        "available": offer.reason is None,
        "reason": offer.reason,
        "text": offer.reason and say(f"event.{offer.reason}", language(), points=offer.missing_points),
    }


def _after(wanted: Page) -> tuple[datetime, str] | None:
    """Behind which event the page begins. Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    return found and (datetime.fromtimestamp(int(found[1]), UTC), found[2])


def _place(shown: Shown) -> str:
    return f"{int(shown.next_at.timestamp())}-{shown.event_id}"


@blueprint.get("")
@blueprint.arguments(ProgrammeArguments(), location="query")
@blueprint.response(200, page_of(MemberEventSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """What is on for this member, from the next on; a session that cannot be booked says why."""
    wanted = asked(arguments)
    found = programme.programme(
        member_id=me().id,
        for_points=arguments["for_points"] == "yes",
        limit=wanted.limit + 1,
        after=_after(wanted),
        now=clock.now(),
    )
    return answer(page(found, wanted, _place, _dump))


@blueprint.get("/<string:event_id>")
@blueprint.response(200, MemberEventSchema())
@blueprint.doc(security=MEMBER)
def show(event_id: str) -> Response:
    """One event with its sessions to come."""
    return answer(_dump(programme.one(member_id=me().id, event_id=event_id, now=clock.now())))


class EventWishSchema(Strict):
    seats = whole(1, MOST_SEATS_EACH, load_default=1)
    points = whole(
        0,
        MOST_POINTS * MOST_SEATS_EACH,
        load_default=0,
        metadata={"description": "the price of all seats, as it was shown"},
    )
    template_id = text(26, load_default=None, allow_none=True, metadata={"description": "as it was shown"})
    wait = flag(load_default=False, metadata={"description": "join the waiting list if it is full"})


@blueprint.post("/sessions/<string:session_id>/bookings")
@blueprint.arguments(EventWishSchema())
@blueprint.response(201, EventBookingSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any], session_id: str) -> Response:
    """Book seats, or with `wait` a place on the waiting list. It is paid at once, there too."""
    parts().throttle.hit(PER_MEMBER, me().id)
    request = keyed(scope())
    made = book(
        member_id=me().id, session_id=session_id, wish=Wish(**arguments), request=request, now=clock.now()
    )
    return answer(dump_booking(made), 201)


@booking_blueprint.get("")
@booking_blueprint.arguments(PageArguments(), location="query")
@booking_blueprint.response(200, page_of(EventBookingSchema))
@booking_blueprint.doc(security=MEMBER)
def own(arguments: dict[str, Any]) -> Response:
    """One's bookings, the newest first."""
    wanted = asked(arguments)
    found = bookings.of_member(
        member_id=me().id, limit=wanted.limit + 1, before=wanted.after, now=clock.now()
    )
    return answer(page(found, wanted, lambda one: one.booking_id, dump_booking))


@booking_blueprint.get("/<string:booking_id>")
@booking_blueprint.response(200, EventBookingSchema())
@booking_blueprint.doc(security=MEMBER)
def show_booking(booking_id: str) -> Response:
    """One of one's bookings. At the door the member's own code is scanned."""
    return answer(dump_booking(bookings.own(member_id=me().id, booking_id=booking_id, now=clock.now())))


@booking_blueprint.post("/<string:booking_id>/cancel")
@booking_blueprint.response(200, EventBookingSchema())
@booking_blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def give_up(booking_id: str) -> Response:
    """Give it up before it begins; what comes back depends on `cancel_until`."""
    parts().throttle.hit(PER_MEMBER, me().id)
    undone = cancel.by_member(
        member_id=me().id, booking_id=booking_id, request=keyed(scope()), now=clock.now()
    )
    return answer(dump_booking(undone))


class EventFeedbackSchema(Strict):
    stars = whole(1, feedback.MOST_STARS, required=True)
    comment = text(feedback.LONGEST_COMMENT, 0, load_default="")


@booking_blueprint.post("/<string:booking_id>/feedback")
@booking_blueprint.arguments(EventFeedbackSchema())
@booking_blueprint.response(201, EventBookingSchema())
@booking_blueprint.doc(security=MEMBER)
def say_so(arguments: dict[str, Any], booking_id: str) -> Response:
    """Say, once, how it was. The back office reads it without a name."""
    parts().throttle.hit(PER_MEMBER, me().id)
    given = feedback.give(member_id=me().id, booking_id=booking_id, **arguments, now=clock.now())
    return answer(dump_booking(given), 201)
