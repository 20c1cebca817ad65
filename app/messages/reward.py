"""What the inbox says of activities that gave something, of joining, and of an exchange that was cancelled."""

from collections.abc import Mapping
from typing import Any

from app.texts import say, yuan


def welcome_body(params: Mapping[str, Any], language: str) -> str:
    """With what joining brought, if anything."""
    gifts = [reward_body(gift, language) for gift in params["gifts"]]
    return (" " if language == "en" else "").join([say("message.welcomed.body", language), *gifts])


def reward_body(params: Mapping[str, Any], language: str) -> str:
    """Which activity, and all that it gave."""
    gives = (", " if language == "en" else "、").join(_parts(params, language))
    return say("message.activity_reward.body", language, name=params[f"name_{language}"], gives=gives)


def _parts(params: Mapping[str, Any], language: str) -> list[str]:
    parts, coupon = [], params["coupon"]
    if params["points"]:
        told = say(_counted("told.gift.points", params["points"]), language, n=params["points"])
        parts.append(told + _until(params["points_through"], language))
    if coupon:
        name = coupon[f"name_{language}"]
        told = say("told.gift.coupons", language, n=coupon["count"], name=name)
        parts.append(told + _until(coupon["through"], language))
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
