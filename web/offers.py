"""How offers for top-ups are told, to tills and phones alike."""

import re
from typing import Any

from marshmallow import fields

from app.stored_value.offers import Offer
from app.stored_value.shown import Shown, ShownOffer
from web.language import language
from web.paging import Page, cursor_of, matched
from web.schemas import Strict

_PLACE = re.compile(r"([0-9]{1,12})-([0-9]{1,18})")


class ShownOfferSchema(Strict):
    offer_id = fields.Integer(required=True, metadata={"description": "names this version; send it back"})
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    pay_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    points = fields.Integer(required=True)
    first_only = fields.Boolean(required=True)
    bonus_parts = fields.Integer(
        required=True, metadata={"description": "the bonus comes in so many monthly parts, the first at once"}
    )
    bonus_days = fields.Integer(required=True, allow_none=True)
    points_days = fields.Integer(required=True, allow_none=True)
    coupons = fields.Integer(required=True, metadata={"description": "how many come with it"})
    effective_until = fields.AwareDateTime(required=True, allow_none=True)
    available = fields.Boolean(required=True)


class OffersSchema(Strict):
    least_fen = fields.Integer(required=True, metadata={"description": "without an offer, the least"})
    most_fen = fields.Integer(required=True)
    room_fen = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "what the account may still take; null for nobody's"},
    )
    items = fields.List(fields.Nested(ShownOfferSchema()), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def after(wanted: Page) -> tuple[int, int] | None:
    """Behind which offer the page begins. Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    return found and (int(found[1]), int(found[2]))


def dump_offers(shown: Shown) -> dict[str, Any]:
    return {
        "least_fen": shown.least_fen,
        "most_fen": shown.most_fen,
        "room_fen": shown.room_fen,
        "items": [_dump(one) for one in shown.offers],
        "next_cursor": _cursor(shown.offers[-1].offer) if shown.more else None,
    }


def _cursor(offer: Offer) -> str:
    return cursor_of(f"{offer.pay_fen}-{offer.offer_no}")


def _dump(shown: ShownOffer) -> dict[str, Any]:
    offer = shown.offer
    return {
        "offer_id": offer.id,
        "name": offer.name_en if language() == "en" else offer.name_zh,
        "pay_fen": offer.pay_fen,
        "bonus_fen": offer.bonus_fen,
        "points": offer.points,
        "first_only": offer.first_only,
        "bonus_parts": offer.bonus_parts,
        "bonus_days": offer.bonus_days,
        "points_days": offer.points_days,
        "coupons": offer.coupon_count,
        "effective_until": offer.effective_until,
        "available": shown.available,
    }
