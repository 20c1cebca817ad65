"""What of the member's own value a sale took, or a refund gave back, as its message tells it."""

from collections.abc import Mapping
from typing import Any

from app.texts import say, yuan

#: Told by sales and refunds of which something of it moved, and by none of earlier versions.
_WORDS = ("discount_fen", "own_points", "own_points_fen", "own_stored_fen", "balance_after_fen")


def moved(payload: Mapping[str, Any]) -> dict[str, int]:
    """What of it the fact tells, for the message to freeze."""
    return {word: payload[word] for word in _WORDS if payload.get(word) is not None}


def sentences(kind: str, params: Mapping[str, Any], language: str) -> str:
    """A sentence for the discount, points, stored value and each coupon that came back, as far as there are any."""
    told = ""
    if params.get("discount_fen"):
        told += say(f"message.{kind}.discount", language, off=yuan(params["discount_fen"]))
    if params.get("own_points"):
        amount = yuan(params["own_points_fen"])
        told += say(f"message.{kind}.own_points", language, points=params["own_points"], amount=amount)
    if params.get("own_stored_fen"):
        told += say(f"message.{kind}.own_stored", language, amount=yuan(params["own_stored_fen"]))
    if params.get("balance_after_fen") is not None:
        told += say("told.balance_after", language, amount=yuan(params["balance_after_fen"]))
    return told + "".join(_came_back(coupon, language) for coupon in params.get("came_back", ()))


def _came_back(coupon: Mapping[str, Any], language: str) -> str:
    key = "told.coupon_back" if coupon["through"] is None else "told.coupon_back.until"
    return say(key, language, name=coupon[f"name_{language}"], date=coupon["through"])


def spent(params: Mapping[str, Any], language: str) -> str:
    """The same in a few words, for a field of a template, which must not be empty."""
    parts = []
    if params.get("own_stored_fen"):
        parts.append(say("told.spent.stored", language, amount=yuan(params["own_stored_fen"])))
    if params.get("own_points"):
        parts.append(say("told.spent.points", language, points=params["own_points"]))
    return " ".join(parts) or say("told.spent.none", language)
