"""From one form to the draft of all that an activity needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy.orm import Session

from app import audit
from app.approvals.second_person import Exceeded
from app.db import transaction
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.change import Draft
from app.engagement.definitions import ActivityMalformed, Kind, definition_of
from app.engagement.form_fields import Field
from app.engagement.forms import TEMPLATES, Template
from app.engagement.rewards.change_item import add as add_item
from app.engagement.rewards.items import Item, show
from app.engagement.rewards.reward import Place, Price, Reward
from app.errors import NotFound
from app.ids import LENGTH
from app.points.rules import BASIS


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as filled in: the common questions, and what only its template asks. `stores` are ids."""

    name_zh: str | None = None
    name_en: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    stores: frozenset[int] | None = None
    tiers: frozenset[str] | None = None
    birthday_month: bool = False
    points_at_least: int = 0
    points_most: int | None = None
    coupons_most: int | None = None
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Made:
    """The draft, the reward items that come with it, and why publishing will need a second person, if it will."""

    activity: Activity
    items: Sequence[Item]
    second_person: bool
    why: tuple[Exceeded, ...]


def make(*, code: str, form: Form, actor: audit.Actor, now: datetime) -> Made:
    """All of it or nothing. Nobody sees it before the activity is published.

    Raises `NotFound` for no such template, `ActivityMalformed`, `RewardMalformed`, `RuleNamesUnknown`.
    """
    template = TEMPLATES.get(code)
    if template is None:
        raise NotFound
    values = _values(template, form)
    with transaction() as session:
        items = _items(session, form, values, actor, now) if code == "exchange_festival" else ()
        kind, what = _BUILD[code](values)
        if items:
            what["items"] = [item.item_id for item in items]
        draft = _draft(template, form, kind, what | _audience(template, form, values), now)
        activity = change.add(session, draft, actor, now)
        audit.record(session, actor, "activity.template", "activity", activity.id, now=now, template=code)
        why = change.limits(session, activity, now)
        return Made(activity=activity, items=items, second_person=bool(why), why=why)


def _draft(template: Template, form: Form, kind: Kind, what: Mapping[str, Any], now: datetime) -> Draft:
    if template.ends and form.ends_at is None:
        raise ActivityMalformed(reason="ends_at: this one needs an end")
    return Draft(
        kind=kind,
        name_zh=form.name_zh or template.name.zh,
        name_en=form.name_en or template.name.en,
        definition=definition_of(kind, what),
        starts_at=form.starts_at or now,
        ends_at=form.ends_at,
        points_most=form.points_most,
        coupons_most=form.coupons_most,
    )


def _audience(template: Template, form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises `ActivityMalformed` for a question that the template does not ask."""
    given = {
        "stores": form.stores,
        "tiers": form.tiers,
        "birthday_month": form.birthday_month,
        "points_at_least": form.points_at_least,
        "points_most": form.points_most,
        "coupons_most": form.coupons_most,
    }
    foreign = [name for name, value in given.items() if value and name not in template.common]
    if foreign:
        raise ActivityMalformed(reason=f"{foreign[0]}: this template does not ask for it")
    conditions: dict[str, Any] = {}
    if form.stores is not None and template.code != "exchange_festival":
        conditions["stores"] = sorted(form.stores)
    if form.tiers is not None:
        conditions["tiers"] = sorted(form.tiers)
    if form.birthday_month:
        conditions["birthday"] = "month"
    when = _WHEN.get(template.code)
    if when is not None:
        conditions |= when(values)
    return {"conditions": conditions, "points_at_least": form.points_at_least}


_WHEN: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "member_day": lambda values: {"monthdays": [values["day"]]},
    "double_points_weekend": lambda _: {"weekdays": [6, 7]},
}


def _values(template: Template, form: Form) -> dict[str, Any]:
    """With defaults. Raises `ActivityMalformed`."""
    known = {field.name: field for field in template.values}
    unknown = sorted(set(form.values) - set(known))
    if unknown:
        raise ActivityMalformed(reason=f"values.{unknown[0]}: this template does not ask for it")
    found = {}
    for name, field in known.items():
        given = form.values.get(name)
        if given is None:
            given = field.default
        elif not _fits(field, given):
            raise ActivityMalformed(reason=f"values.{name}: {field.type}, {field.low} to {field.high}")
        if given is None and field.required:
            raise ActivityMalformed(reason=f"values.{name}: it is missing")
        found[name] = given
    return found


def _fits(field: Field, given: Any) -> bool:
    low, high = field.low or 0, field.high or 0
    if field.type == "whole":
        return type(given) is int and low <= given <= high
    if field.type == "ids":
        return isinstance(given, list) and low <= len(given) <= high and all(_is_id(one) for one in given)
    return _is_id(given)


def _is_id(given: Any) -> bool:
    return isinstance(given, str) and given.isascii() and given.isalnum() and len(given) <= LENGTH


def _more_points(values: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    what: dict[str, Any] = {"factor_bp": values["times"] * BASIS}
    if values["per_day"] is not None:
        what["per_day"] = values["per_day"]
    if (percent := values.get("percent_off")) is not None:
        effect = {"kind": "percent", "percent_bp": percent * BASIS // 100}
        what["discount"] = {
            "effect": effect,
            "at_least_fen": values.get("at_least_fen", 0),
            "budget_fen": values["budget_fen"],
        }
    elif values.get("budget_fen") is not None:
        raise ActivityMalformed(reason="values.budget_fen: nothing is taken off")
    return "promotion", what


def _lottery(values: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    """By a hundred: one grand prize, twenty small ones, and nothing."""
    small, top = values["cost_points"], values["top_points"]
    prizes = [
        {"weight": 1, "stock": values["top_stock"], **_points_prize(top)},
        {"weight": 20, **_points_prize(small)},
        {"weight": 79, "name_zh": "谢谢参与", "name_en": "Better luck next time"},
    ]
    return "lottery", {"prizes": prizes, "fallback": 3, "cost_points": small}


def _points_prize(points: int) -> dict[str, Any]:
    return {
        "name_zh": f"{points:,} 积分",
        "name_en": f"{points:,} points",
        "reward": {"points": points},
    }


def _check_in(values: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    if values["make_up_points"] and not values["make_ups_a_month"]:
        raise ActivityMalformed(reason="values.make_up_points: no day can be made up")
    return "check_in", {
        "days": [{"points": values["points"]}] * 6 + [{"points": values["seventh"]}],
        "make_ups_a_month": values["make_ups_a_month"],
        "make_up_points": values["make_up_points"] or 0,
    }


def _welcome(values: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    reward: dict[str, Any] = {"points": values["points"]}
    if values["coupon_template"] is not None:
        reward |= {"coupon_template": values["coupon_template"], "coupons": 1}
    return "welcome", {"reward": reward}


_BUILD: Mapping[str, Callable[[Mapping[str, Any]], tuple[Kind, dict[str, Any]]]] = {
    "member_day": _more_points,
    "double_points_weekend": _more_points,
    "shopping_festival": _more_points,
    "lottery": _lottery,
    "exchange_festival": lambda _: ("promotion", {}),
    "check_in_streak": _check_in,
    "welcome_gift": _welcome,
}


def _items(
    session: Session, form: Form, values: Mapping[str, Any], actor: audit.Actor, now: datetime
) -> list[Item]:
    """Each once more, at the festival's price, within its time and in its stores; not in the mall yet."""
    made = []
    for item_id in values["items"]:
        try:
            usual = show(session, item_id)
        except NotFound:
            raise ActivityMalformed(reason="values.items: there is no such reward item") from None
        places = [
            Place(store_id=place.store_id, stock=values["stock"])
            for place in usual.places
            if place.store_id is None or form.stores is None or place.store_id in form.stores
        ]
        if not places:
            raise ActivityMalformed(reason="values.items: one of them is in none of the stores")
        reward = _at_festival(usual, form, values["percent"])
        made.append(show(session, add_item(session, reward, places, "stopped", actor, now)))
    return made


def _at_festival(item: Item, form: Form, percent: int) -> Reward:
    """For those who see the usual one and are in a tier of the form; it stands in the usual one's place."""
    usual = item.reward
    tiers = usual.tiers if form.tiers is None else tuple(sorted(form.tiers & set(usual.tiers or form.tiers)))
    if form.tiers is not None and not tiers:
        raise ActivityMalformed(reason="tiers: none of them sees one of the items")
    prices = {tier: price for tier, price in usual.tier_prices.items() if not tiers or tier in tiers}
    return structs.replace(
        usual,
        price=_less(usual.price, percent),
        full_price=usual.full_price or usual.price,
        tier_prices={tier: _less(price, percent) for tier, price in prices.items()},
        tiers=tiers,
        available_from=form.starts_at,
        available_until=form.ends_at,
        instead_of=usual.instead_of or item.item_id,
    )


def _less(price: Price, percent: int) -> Price:
    return Price(points=max(1, price.points * percent // 100), cash_fen=price.cash_fen * percent // 100)
