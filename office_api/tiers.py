"""The plan of tiers, and what happened to a member's tier."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.staff.roles import MANAGE_RULES
from app.tiers import change_plan, history
from app.tiers.card import TierName
from app.tiers.plan import (
    MOST_AMOUNT,
    MOST_DAYS,
    MOST_GIFT_POINTS,
    MOST_GRACE_DAYS,
    MOST_TIERS,
    plan_of,
)
from office_api.guard import STAFF, actor, my_stores, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, flag, text, whole
from web.tiers import TierSchema, dump_tier

blueprint = Blueprint("tiers", __name__, url_prefix="/office/v1", description="Member tiers")
guarded(blueprint, require_staff)

_MOST_NO = 2**31 - 1


class WindowSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("days", "months", "calendar_year")))
    n = whole(1, MOST_DAYS, load_default=None, allow_none=True, metadata={"description": "of days or months"})


class GrowthSchema(Strict):
    per_yuan_bp = whole(0, 1_000_000, load_default=10_000, metadata={"description": "10,000: one a yuan"})
    per_visit = whole(0, 100_000, load_default=0)


def _coupon(when: str) -> fields.String:
    described = {"description": f"a template, one coupon of which comes {when}; null: none"}
    return text(26, load_default=None, allow_none=True, metadata=described)


class LevelSchema(Strict):
    code = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z0-9_-]{1,24}\Z", error="Must be a code of a-z, 0-9, - and _."),
    )
    name_zh = text(24, required=True)
    name_en = text(24, required=True)
    at_least = whole(0, MOST_AMOUNT, required=True, metadata={"description": "fen, visits or growth value"})
    gift_points = whole(0, MOST_GIFT_POINTS, load_default=0, metadata={"description": "once, on reaching it"})
    birthday_points = whole(0, MOST_GIFT_POINTS, load_default=0, metadata={"description": "every year"})
    gift_coupon = _coupon("with `gift_points`")
    birthday_coupon = _coupon("with `birthday_points`")


class TierPlanSchema(Strict):
    basis = fields.String(required=True, validate=validate.OneOf(("spend", "visits", "growth")))
    window = fields.Nested(WindowSchema(), required=True)
    grace_days = whole(0, MOST_GRACE_DAYS, load_default=0)
    growth = fields.Nested(GrowthSchema(), load_default=lambda: {"per_yuan_bp": 10_000, "per_visit": 0})
    gift_lifetime_days = whole(
        1, 3_660, load_default=365, allow_none=True, metadata={"description": "null: gifts never end"}
    )
    birthday_needs_phone = flag(
        load_default=True,
        metadata={"description": "a birthday's gift is for members with a bound phone alone"},
    )
    tiers = fields.List(
        fields.Nested(LevelSchema()),
        required=True,
        validate=validate.Length(1, MOST_TIERS),
        metadata={"description": "from the lowest, `normal` from 0 on, upwards"},
    )


class TierPlanChangeSchema(TierPlanSchema):
    version = whole(
        0, _MOST_NO, required=True, metadata={"description": "the newest one, as read; 0: none is set"}
    )
    effective_from = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )


class TierPlanVersionSchema(TierPlanSchema):
    version = fields.Integer(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(("default", "planned", "in_force", "former"))
    )
    effective_from = fields.AwareDateTime(required=True, allow_none=True)


def _dump_plan(view: change_plan.PlanView) -> dict[str, Any]:
    plan = view.plan
    return {
        "version": view.version,
        "state": view.state,
        "effective_from": view.effective_from,
        "basis": plan.basis,
        "window": {"kind": plan.window.kind, "n": plan.window.n},
        "grace_days": plan.grace_days,
        "growth": {"per_yuan_bp": plan.growth.per_yuan_bp, "per_visit": plan.growth.per_visit},
        "gift_lifetime_days": plan.gift_lifetime_days,
        "birthday_needs_phone": plan.birthday_needs_phone,
        "tiers": [
            {
                "code": level.code,
                "name_zh": name.zh,
                "name_en": name.en,
                "at_least": level.at_least,
                "gift_points": level.gift_points,
                "birthday_points": level.birthday_points,
                "gift_coupon": level.gift_coupon,
                "birthday_coupon": level.birthday_coupon,
            }
            for level, name in zip(plan.levels, view.names, strict=True)
        ],
    }


@blueprint.get("/tiers")
@blueprint.response(200, TierPlanVersionSchema())
@blueprint.doc(security=STAFF)
def show_plan() -> Response:
    """The plan that was set last, also before it begins. Version 0: nobody has set one, all members are `normal`."""
    my_stores(MANAGE_RULES)
    return answer(_dump_plan(change_plan.newest(now=clock.now())))


@blueprint.get("/tiers/versions")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(TierPlanVersionSchema))
@blueprint.doc(security=STAFF)
def list_plans(arguments: dict[str, Any]) -> Response:
    """Every version of the plan, newest first. Of those that have begun the newest holds."""
    my_stores(MANAGE_RULES)
    wanted = asked(arguments)
    found = change_plan.versions(limit=wanted.limit + 1, before=numeric(wanted), now=clock.now())
    return answer(page(found, wanted, lambda view: view.version, _dump_plan))


@blueprint.put("/tiers")
@blueprint.arguments(TierPlanChangeSchema())
@blueprint.response(200, TierPlanVersionSchema())
@blueprint.doc(security=STAFF)
def change_tiers(arguments: dict[str, Any]) -> Response:
    """Set the plan anew, whole, for all stores. What has been decided stays; tiers last as long as was said."""
    need(MANAGE_RULES, None)
    of_level = ("code", "at_least", "gift_points", "birthday_points", "gift_coupon", "birthday_coupon")
    levels = [{key: tier[key] for key in of_level} for tier in arguments["tiers"]]
    whole_plan = ("basis", "window", "grace_days", "growth", "gift_lifetime_days", "birthday_needs_phone")
    changed = change_plan.change(
        plan=plan_of({key: arguments[key] for key in whole_plan} | {"levels": levels}),
        names=[TierName(code=t["code"], zh=t["name_zh"], en=t["name_en"]) for t in arguments["tiers"]],
        version=arguments["version"],
        effective_from=arguments["effective_from"],
        actor=actor(),
        now=clock.now(),
    )
    return answer(_dump_plan(changed))


class TierEventSchema(Strict):
    id = fields.String(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(("upgrade", "keep", "demote", "plan", "mend", "void"))
    )
    from_ = fields.Nested(TierSchema(), required=True, data_key="from")
    to = fields.Nested(TierSchema(), required=True)
    plan_version = fields.Integer(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(("spend", "visits", "growth")))
    amount = fields.Integer(required=True, metadata={"description": "what counted, in the basis"})
    sale_id = fields.String(
        required=True, allow_none=True, metadata={"description": "the purchase that did it"}
    )
    gift_points = fields.Integer(required=True)
    counts_from = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "first day that counts towards keeping the tier"},
    )
    valid_through = fields.Date(required=True, allow_none=True, metadata={"description": "its last day"})
    at = fields.AwareDateTime(required=True, metadata={"description": "from when it holds"})
    decided_at = fields.AwareDateTime(required=True, metadata={"description": "when it was written down"})


def _dump_event(event: history.TierEvent) -> dict[str, Any]:
    return {
        "id": str(event.seq),
        "kind": event.kind,
        "from": dump_tier(event.from_tier),
        "to": dump_tier(event.to_tier),
        "plan_version": event.plan_version,
        "basis": event.basis,
        "amount": event.amount,
        "sale_id": event.sale_id,
        "gift_points": event.gift_points,
        "counts_from": event.counts_from,
        "valid_through": event.valid_through,
        "at": event.at,
        "decided_at": event.decided_at,
    }


@blueprint.get("/members/<string:member_no>/tier-changes")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(TierEventSchema))
@blueprint.doc(security=STAFF)
def list_tier_changes(arguments: dict[str, Any], member_no: str) -> Response:
    """What happened to a member's tier, newest first: from, to, why, by which version of the plan."""
    my_stores(MANAGE_RULES)
    wanted = asked(arguments)
    found = history.history(member_no=member_no, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda event: event.seq, _dump_event))
