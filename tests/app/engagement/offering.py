"""Activities to test with, and what a worker does about them."""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from app import clock
from app.audit import OPERATOR
from app.engagement import change, gifts
from app.engagement.activity import Activity
from app.engagement.chances import NoChances
from app.engagement.change import Draft
from app.engagement.definitions import Kind, definition_of
from app.engagement.lottery_draw import Drawn, Payment, Wish, draw
from app.engagement.lottery_rounds import Round, open_round
from app.idempotency import Request
from app.work import fact_relay, tell_consumers
from tests.shop import Phone, Shop

MINUTE = timedelta(minutes=1)


def draft(kind: Kind, *, now: datetime | None = None, **what: Any) -> Draft:
    """Open since an hour ago, for ever, without budgets, unless said."""
    began = (now or clock.now()) - 60 * MINUTE
    return Draft(
        kind=kind,
        name_zh=what.pop("name_zh", "活动"),
        name_en=what.pop("name_en", "An activity"),
        starts_at=what.pop("starts_at", began),
        ends_at=what.pop("ends_at", None),
        points_most=what.pop("points_most", None),
        coupons_most=what.pop("coupons_most", None),
        definition=definition_of(kind, what),
    )


def live(kind: Kind, *, now: datetime | None = None, **what: Any) -> Activity:
    at = now or clock.now()
    made = change.create(draft=draft(kind, now=at, **what), actor=OPERATOR, now=at)
    published = change.publish(activity_id=made.id, version=1, actor=OPERATOR, now=at)
    assert isinstance(published, Activity)
    return published


THANKS = {"name_zh": "谢谢参与", "name_en": "Better luck next time", "weight": 90}
CUP = {"name_zh": "马克杯", "name_en": "A mug", "weight": 10, "stock": 1, "reward": {"points": 500}}


def lottery(*, now: datetime | None = None, **what: Any) -> Activity:
    terms = {"prizes": [CUP, THANKS], "fallback": 2, "cost_points": 10, "draws_a_day": 100} | what
    return live("lottery", now=now, **terms)


def round_of(shop: Shop, activity: Activity, *, now: datetime | None = None, minutes: int = 60) -> Round:
    """A round that began a moment ago, announced two minutes before."""
    at = now or clock.now()
    return open_round(
        lottery_id=activity.id,
        starts_at=at - MINUTE,
        ends_at=at + (minutes - 1) * MINUTE,
        vault=shop.parts.seeds,
        actor=OPERATOR,
        now=at - 2 * MINUTE,
    )


def asked(member_id: int, key: str) -> Request:
    return Request(scope=f"member:{member_id}", key=key, hash=b"body")


def play(
    shop: Shop,
    activity: Activity,
    member_id: int,
    key: str,
    *,
    payment: Payment = "points",
    now: datetime | None = None,
    client_seed: str = "",
) -> Drawn:
    wish = Wish(member_id=member_id, lottery_id=activity.id, payment=payment, client_seed=client_seed)
    return draw(wish=wish, vault=shop.parts.seeds, request=asked(member_id, key), now=now or clock.now())


def draws(shop: Shop, prizes: Activity, phone: Phone, key: str) -> int:
    """One with a chance, if there is one."""
    try:
        play(shop, prizes, phone.member_id, key, payment="chance")
    except NoChances:
        return 0
    return 1


def work(app: Flask, *, now: datetime | None = None) -> None:
    """What a worker does about facts and the gifts they bring."""
    at = now or clock.now()
    tell_consumers(fact_relay(app.extensions["parts"]), at)
    gifts.give_due(now=at)
