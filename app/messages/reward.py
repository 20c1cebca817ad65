"""What the inbox says of activities that gave something or took it back, of joining, of coupons that were taken back,
and of an exchange that was cancelled.
"""

from collections.abc import Mapping
from typing import Any

from app.texts import say, yuan


def welcome_body(params: Mapping[str, Any], language: str) -> str:
    """With what joining brought, if anything."""
    gifts = [reward_body(gift, language) for gift in params["gifts"]]
    return (" " if language == "en" else "").join([say("message.welcomed.body", language), *gifts])


def reward_body(params: Mapping[str, Any], language: str) -> str:
    """Which activity, and all that it gave."""
    gives = _listed(_parts(params, language), language)
    return say("message.activity_reward.body", language, name=params[f"name_{language}"], gives=gives)


def taken_back_body(params: Mapping[str, Any], language: str) -> str:
    """Of which activity, all that went, and what of it is owed."""
    gives = _listed(_parts(params, language), language)
    body = say("message.reward_taken_back.body", language, name=params[f"name_{language}"], gives=gives)
    if params["points_owed"]:
        body += say("message.reward_taken_back.owed", language, owed=params["points_owed"])
    return body


def recalled_body(params: Mapping[str, Any], language: str) -> str:
    """Which coupons; of many kinds the first ones, and how many there were in all."""
    named = [_coupons(coupon, language) for coupon in params["coupons"]]
    key = "message.coupons_recalled.body" if params["all_named"] else "message.coupons_recalled.many"
    return say(key, language, gone=_listed(named, language), count=params["count"])


def _listed(parts: list[str], language: str) -> str:
    return (", " if language == "en" else "、").join(parts)


def _coupons(coupon: Mapping[str, Any], language: str) -> str:
    return say("told.gift.coupons", language, n=coupon["count"], name=coupon[f"name_{language}"])


def _parts(params: Mapping[str, Any], language: str) -> list[str]:
    parts, coupon = [], params["coupon"]
    if params["points"]:
        told = say(_counted("told.gift.points", params["points"]), language, n=params["points"])
        parts.append(told + _until(params["points_through"], language))
    if coupon:
        parts.append(_coupons(coupon, language) + _until(coupon["through"], language))
    if params["chances"]:
        parts.append(say(_counted("told.gift.chances", params["chances"]), language, n=params["chances"]))
    return parts


def _counted(key: str, n: int) -> str:
    return f"{key}.one" if n == 1 else key


def _until(day: str | None, language: str) -> str:
    return "" if day is None else say("told.gift.until", language, date=day)


def cancelled_body(params: Mapping[str, Any], language: str) -> str:
    """Why, and what came back."""
    why = say(f"told.cancelled.{params['reason']}", language)
    body = say("message.reward_cancelled.body", language, name=params[f"name_{language}"], why=why)
    body += say("told.points_back", language, points=params["points"])
    if params["stored_fen"]:
        body += say("told.stored_back", language, amount=yuan(params["stored_fen"]))
    if params["wechat_fen"]:
        body += say("told.wechat_back", language, amount=yuan(params["wechat_fen"]))
    return body
