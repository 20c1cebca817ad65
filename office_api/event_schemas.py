"""An event and its sessions as the back office speaks of them."""

from typing import Any

from marshmallow import fields, validate

from app.engagement.events import event as e
from web.pictures import picture_id_field
from web.schemas import Strict, text, whole

_VERSION = {"description": "of the event, as it was read"}


class EventVersionSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata=_VERSION)


class EventCancelSchema(EventVersionSchema):
    note = text(200, required=True, metadata={"description": "why, for the audit log; no personal data"})


class EventDraftSchema(Strict):
    store = text(32, required=True)
    title_zh = text(40, required=True)
    title_en = text(60, required=True)
    about_zh = text(1_000, 0, load_default="")
    about_en = text(2_000, 0, load_default="")
    notes_zh = text(500, 0, load_default="", metadata={"description": "what to bring and know"})
    notes_en = text(1_000, 0, load_default="")
    picture_id = picture_id_field()
    tiers = fields.List(
        text(24),
        load_default=[],
        validate=validate.Length(0, e.MOST_TIERS),
        metadata={"description": "who may book; none named: everybody"},
    )


class NextEventSchema(EventDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata=_VERSION)


class SessionDraftSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata=_VERSION)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    seats = whole(1, e.MOST_SEATS, required=True)
    seats_each = whole(
        1, e.MOST_SEATS_EACH, load_default=1, metadata={"description": "at most, for one member"}
    )
    points = whole(0, e.MOST_POINTS, load_default=0, metadata={"description": "of one seat"})
    template_id = text(
        26,
        load_default=None,
        allow_none=True,
        metadata={"description": "a coupon of it is the price instead"},
    )
    cancel_hours = whole(
        0,
        e.MOST_CANCEL_HOURS,
        load_default=24,
        metadata={"description": "until so many before it begins everything comes back"},
    )
    opens_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )
    closes_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: when it begins"}
    )


class EventSessionSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("open", "cancelled")))
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    seats = fields.Integer(required=True)
    seats_each = fields.Integer(required=True)
    points = fields.Integer(required=True)
    template_id = fields.String(required=True, allow_none=True)
    cancel_hours = fields.Integer(required=True)
    opens_at = fields.AwareDateTime(required=True, allow_none=True)
    closes_at = fields.AwareDateTime(required=True)
    booked = fields.Integer(required=True, metadata={"description": "seats, whoever came or not"})
    waiting = fields.Integer(required=True, metadata={"description": "seats that are waited for"})
    attended = fields.Integer(required=True)
    no_show = fields.Integer(required=True)


class OfficeEventSchema(EventDraftSchema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(e.STATES))
    time_zone = fields.String(required=True)
    sessions = fields.List(fields.Nested(EventSessionSchema()), required=True)


def terms_in(arguments: dict[str, Any]) -> e.Terms:
    closes_at = arguments.pop("closes_at")
    return e.Terms(**arguments, closes_at=arguments["starts_at"] if closes_at is None else closes_at)


def dump_event(event: e.Event) -> dict[str, Any]:
    content = {name: getattr(event.content, name) for name in e.Content.__struct_fields__}
    return content | {
        "tiers": list(event.content.tiers),
        "store": event.store,
        "id": event.event_id,
        "version": event.version,
        "state": event.state,
        "time_zone": event.time_zone,
        "sessions": [_dump_session(one) for one in event.sessions],
    }


def _dump_session(one: e.SessionView) -> dict[str, Any]:
    terms = {name: getattr(one.terms, name) for name in e.Terms.__dataclass_fields__}
    counts = {name: getattr(one.counts, name) for name in e.Counts.__dataclass_fields__}
    return terms | counts | {"id": one.session_id, "state": one.state, "booked": one.booked}
