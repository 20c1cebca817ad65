"""Sets the chain up: stores, tills and their keys, people, and how sales earn."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app import policies
from app.audit import OPERATOR
from app.checkout.pricing import RoundingPolicy
from app.discounts import change as discounts
from app.discounts.effects import PercentOff, PerFull
from app.discounts.rules import Definition as Discount
from app.points.change import create, set_rule
from app.points.pay import PointsPaymentPolicy
from app.points.rules import Caps, Conditions, Extra, Multiplier
from app.points.versions import Draft
from app.staff import accounts
from app.staff.roles import Grant
from app.stored_value import change_offer, offers
from app.stores import setup
from app.tiers import change_plan
from app.tiers.card import TierName
from app.tiers.plan import plan_of
from demo.chain import STAFF, STORES


def open_stores(*, now: datetime) -> dict[str, str]:
    """Open the stores and tills; the API key of each till, by `S001/T1`."""
    keys = {}
    for store in STORES:
        setup.open_store(code=store.code, name=store.name, time_zone="Asia/Shanghai", actor=OPERATOR, now=now)
        for code, name in store.tills:
            setup.add_terminal(store_code=store.code, code=code, name=name, actor=OPERATOR, now=now)
            created = setup.create_api_key(
                store_code=store.code, terminal_code=code, name=name, actor=OPERATOR, now=now
            )
            keys[f"{store.code}/{code}"] = created.key
    return keys


def set_rules(*, now: datetime) -> None:
    """A point a yuan, for a year; in Wujiaochang, which has just opened, one and a half."""
    newest = setup.store_ids({"S003"})["S003"]
    for store_id, rate_bp in ((None, 10_000), (newest, 15_000)):
        set_rule(
            store_id=store_id,
            rate_bp=rate_bp,
            lifetime_days=365,
            effective_from=now,
            actor=OPERATOR,
            now=now,
        )


def liven_up(*, today: datetime, now: datetime) -> None:
    """A member day each week, birthdays, a new drink, a tier to come: what the rules are for."""
    for draft in (
        Draft(
            name_zh="会员日双倍积分",
            name_en="Member day: double points",
            definition=Multiplier(
                factor_bp=20_000,
                conditions=Conditions(weekdays=frozenset({_member_day(today)})),
                caps=Caps(per_day=500),
            ),
            stacking="best",
        ),
        Draft(
            name_zh="生日月 1.5 倍积分",
            name_en="Birthday month: half as much again",
            definition=Multiplier(factor_bp=15_000, conditions=Conditions(birthday="month")),
            stacking="best",
        ),
        Draft(
            name_zh="新品手打柠檬茶尝鲜",
            name_en="New: hand-made lemon tea",
            definition=Extra(
                points=10, conditions=Conditions(products=frozenset({"QH005"})), caps=Caps(per_day=10)
            ),
            effective_from=today - timedelta(days=45),
            effective_until=today + timedelta(days=15),
        ),
        Draft(
            name_zh="金卡会员茶饮加速",
            name_en="Gold tier: more for drinks",
            definition=Multiplier(
                factor_bp=12_000,
                conditions=Conditions(tiers=frozenset({"gold"}), categories=frozenset({"茶饮"})),
            ),
        ),
    ):
        create(draft=draft, actor=OPERATOR, now=now)


def set_tiers(*, now: datetime) -> None:
    """By what was spent within a year: some members of the demo's past are in each."""
    plan = plan_of(
        {
            "birthday_needs_phone": True,
            "levels": [
                {"code": "normal", "at_least": 0},
                {"code": "silver", "at_least": 20_000, "gift_points": 100},
                {"code": "gold", "at_least": 50_000, "gift_points": 300, "birthday_points": 200},
            ],
        }
    )
    names = [
        TierName(code="normal", zh="普通会员", en="Member"),
        TierName(code="silver", zh="银卡会员", en="Silver"),
        TierName(code="gold", zh="金卡会员", en="Gold"),
    ]
    change_plan.change(plan=plan, names=names, version=0, effective_from=None, actor=OPERATOR, now=now)


def take_off(*, today: datetime, now: datetime) -> None:
    """What members pay less: the gold tier always, everybody on the member day."""
    for draft in (
        discounts.Draft(
            name_zh="金卡九五折",
            name_en="Gold: 5% off",
            definition=Discount(
                effect=PercentOff(percent_bp=500), conditions=Conditions(tiers=frozenset({"gold"}))
            ),
            group="tier",
        ),
        discounts.Draft(
            name_zh="会员日满 100 减 10",
            name_en="Member day: ¥10 off every ¥100",
            definition=Discount(
                effect=PerFull(every_fen=10_000, off_fen=1_000, most_times=3),
                conditions=Conditions(weekdays=frozenset({_member_day(today)})),
            ),
        ),
    ):
        discounts.create(draft=draft, actor=OPERATOR, now=now)


def pay_with(*, now: datetime) -> None:
    """100 points are a yuan, and coins of less than 10 fen are let off."""
    for kind, value in (
        (PointsPaymentPolicy, {"points_per_yuan": 100}),
        (RoundingPolicy, {"down_to_fen": 10}),
    ):
        policies.change(kind=kind, value=value, version=0, actor=OPERATOR, now=now)


def _member_day(today: datetime) -> int:
    """Never the day the demo was made: what somebody tries first should be plain to reckon."""
    return (today.astimezone(ZoneInfo("Asia/Shanghai")) - timedelta(days=3)).isoweekday()


def offer_top_ups(*, now: datetime) -> None:
    """Something for the first time, something for every time, something that comes month by month."""
    for draft in (
        offers.Draft(
            name_zh="首充 100 送 20",
            name_en="First top-up: pay 100, get 20",
            pay_fen=10_000,
            bonus_fen=2_000,
            first_only=True,
            bonus_days=90,
        ),
        offers.Draft(
            name_zh="充 300 送 30 和 300 积分",
            name_en="Pay 300, get 30 and 300 points",
            pay_fen=30_000,
            bonus_fen=3_000,
            points=300,
            bonus_days=180,
            points_days=365,
        ),
        offers.Draft(
            name_zh="充 500 送 60，分 6 个月到账",
            name_en="Pay 500, get 60 over six months",
            pay_fen=50_000,
            bonus_fen=6_000,
            bonus_parts=6,
            bonus_days=90,
        ),
    ):
        change_offer.create(draft=draft, actor=OPERATOR, now=now)


def hire(password: str, *, now: datetime) -> dict[str, int]:
    """The people of `STAFF`, all with this password, each with the role they are named for; their ids by login."""
    operator = accounts.Boss(actor=OPERATOR, grants=None)
    ids = setup.store_ids({store.code for store in STORES})
    return {
        person.login: accounts.add(
            login=person.login,
            staff_no=person.staff_no,
            name=person.name,
            password=password,
            grants=(Grant(person.role, None if person.store is None else ids[person.store]),),
            boss=operator,
            now=now,
            own_password=True,
        ).id
        for person in STAFF
    }
