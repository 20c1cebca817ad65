"""How bookings of events are told, to phones, tills and the back office alike."""

from typing import Any

from marshmallow import fields, validate

from app.engagement.events.bookings import STATES, Booking
from app.engagement.events.when import when
from web.language import language
from web.schemas import Strict


class SeatsSchema(Strict):
    """What everybody who sees a booking sees of it."""

    id = fields.String(required=True)
    session_id = fields.String(required=True)
    event_id = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "in the language asked for"})
    when = fields.String(
        required=True, metadata={"description": "by the store's clock, in the language asked for"}
    )
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    seats = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "paid, for all seats"})
    by_coupon = fields.Boolean(required=True, metadata={"description": "a coupon was used"})
    position = fields.Integer(
        required=True, allow_none=True, metadata={"description": "on the waiting list, from 1"}
    )
    store = fields.String(required=True)
    store_name = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    asked_at = fields.AwareDateTime(required=True)
    cancel_until = fields.AwareDateTime(
        required=True, metadata={"description": "until then everything comes back"}
    )
    may_cancel_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "null: not any more"}
    )
    late_return_percent = fields.Integer(
        required=True, metadata={"description": "of the points, after `cancel_until`"}
    )
    attended_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_for = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("member", "staff", "shop", "not_reached", "withdrawn")),
        metadata={
            "description": "`shop`: it was called off; `not_reached`: no seat came free; `withdrawn`: the"
            " member has taken consent back"
        },
    )
    points_back = fields.Integer(required=True)


class EventBookingSchema(SeatsSchema):
    stars = fields.Integer(required=True, allow_none=True)
    feedback_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "null: nothing to be said, before the end neither"},
    )


class StaffEventBookingSchema(SeatsSchema):
    member = fields.String(required=True, metadata={"description": "masked"})


_WORDED = ("id", "title", "when")


def dump_booking(booking: Booking) -> dict[str, Any]:
    return _seats(booking) | {"stars": booking.stars, "feedback_until": booking.feedback_until}


def dump_for_staff(booking: Booking) -> dict[str, Any]:
    """Without what the member thinks of it, which is read without names."""
    return _seats(booking) | {"member": booking.member}


def _seats(booking: Booking) -> dict[str, Any]:
    told = {name: getattr(booking, name) for name in SeatsSchema._declared_fields if name not in _WORDED}
    return told | {
        "id": booking.booking_id,
        "title": booking.title_en if language() == "en" else booking.title_zh,
        "when": when(booking.starts_at, booking.ends_at, booking.time_zone, language()),
    }
