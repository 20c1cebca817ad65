"""Plans and purchases made up for tests of the pure part: no database. Days are the chain's."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.tiers.bought import Bought
from app.tiers.plan import Plan, Plans, PlanVersion, plan_of
from app.tiers.walk import Change, Walked, walk

SHANGHAI = ZoneInfo("Asia/Shanghai")
LEVELS = [
    {"code": "normal", "at_least": 0},
    {"code": "silver", "at_least": 100, "gift_points": 50},
    {"code": "gold", "at_least": 300, "gift_points": 200},
]
LONG_AGO = date(2020, 1, 1)


def plan(kind: str = "days", n: int | None = 10, **more: Any) -> Plan:
    return plan_of({"basis": "spend", "window": {"kind": kind, "n": n}, "levels": LEVELS, **more})


def held(*versions: tuple[date, Plan]) -> Plans:
    """Versions, each from the first instant of its day."""
    return Plans(
        PlanVersion(version=number, effective_from=at(day), plan=one)
        for number, (day, one) in enumerate(versions, start=1)
    )


def always(one: Plan) -> Plans:
    return held((LONG_AGO, one))


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def buy(day: date, amount: int, *, hour: int = 12, store: int = 1) -> Bought:
    moment = at(day, hour)
    return Bought(moment, day, store, amount, f"{moment:%Y%m%d%H%M}-{amount}-{store}")


def stood(plans: Plans, bought: Sequence[Bought], through: date) -> Walked:
    """Worked out up to the last instant of that day."""
    last = at(through + timedelta(days=1)) - timedelta(microseconds=1)
    return walk(plans, sorted(bought, key=lambda one: (one.at, one.sale_id)), until=last)


def told(changes: Sequence[Change]) -> list[tuple[str, str, str, date | None]]:
    """(kind, day it holds from, tier, last day)."""
    return [
        (
            one.kind,
            f"{one.at.astimezone(SHANGHAI):%m-%d %H:%M}",
            one.standing.tier,
            one.standing.valid_through,
        )
        for one in changes
    ]
