"""How automations look in JSON."""

from dataclasses import asdict
from typing import Any

from marshmallow import fields, validate

from app.automations.automation import AutomationView
from app.automations.draft import Draft
from app.automations.dry_run import MOST_DAYS, DryRun
from app.automations.hold_out import MOST_BP
from app.automations.models import ONCE, STATES
from app.automations.report import Report
from app.automations.templates import Template
from office_api.campaign_schemas import CampaignArmSchema, dump_arm
from web.paging import PageArguments
from web.schemas import QueryNumber, Strict, label, text, whole

_MOST_MINUTES, _MOST_RUNS = 43_200, 10_000_000


def _trigger(**options: Any) -> fields.Dict:
    """As JSON; its own reader looks into it (app/automations/triggers.py)."""
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "`kind` and what that kind needs: docs/automations.md",
            "example": {"kind": "no_visit", "days": 60},
        },
        **options,
    )


def _actions(**options: Any) -> fields.Dict:
    """As JSON; app/automations/actions.py."""
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "one at least of message, coupon, points, tag_on, tag_off: docs/automations.md",
            "example": {"points": {"points": 100, "lifetime_days": 365}, "tag_on": "久未到店"},
        },
        **options,
    )


class AutomationDraftSchema(Strict):
    name = label(60, required=True, metadata={"description": "for colleagues"})
    trigger = _trigger(required=True)
    segment = text(
        26, load_default=None, allow_none=True, metadata={"description": "id of a segment; null: all members"}
    )
    actions = _actions(required=True)
    once = fields.String(
        load_default="occasion",
        validate=validate.OneOf(ONCE),
        metadata={"description": "for a member: once ever, for each occasion, or within `once_days`"},
    )
    once_days = whole(1, 3_660, load_default=None, allow_none=True)
    delay_minutes = whole(
        0,
        _MOST_MINUTES,
        load_default=0,
        metadata={"description": "after what happened; of the calendar, after the day begins"},
    )
    max_runs = whole(
        1,
        _MOST_RUNS,
        load_default=None,
        allow_none=True,
        metadata={"description": "how often in all; has to be said where points or coupons are given"},
    )
    attribution_days = whole(
        1, 90, load_default=7, metadata={"description": "so long after it acted a purchase counts"}
    )
    hold_out_bp = whole(
        0,
        MOST_BP,
        load_default=0,
        metadata={"description": "of 10,000 members, for whom it is not done, to compare with"},
    )


class AutomationChangeSchema(AutomationDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class AutomationAsReadSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class AutomationsArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class AutomationSchema(Strict):
    no = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    version = fields.Integer(required=True)
    trigger = _trigger(required=True)
    segment = fields.String(required=True, allow_none=True)
    actions = _actions(required=True)
    once = fields.String(required=True, validate=validate.OneOf(ONCE))
    once_days = fields.Integer(required=True, allow_none=True)
    delay_minutes = fields.Integer(required=True)
    max_runs = fields.Integer(required=True, allow_none=True)
    acted = fields.Integer(required=True, metadata={"description": "how often it has, of `max_runs`"})
    attribution_days = fields.Integer(required=True)
    hold_out_bp = fields.Integer(required=True)
    approval_id = fields.String(required=True, allow_none=True)
    on_since = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class DryRunArguments(Strict):
    days = QueryNumber(load_default=30, validate=validate.Range(1, MOST_DAYS))


class DryRunDaySchema(Strict):
    day = fields.Date(required=True)
    runs = fields.Integer(required=True)


class DryRunMemberSchema(Strict):
    member_no = fields.String(required=True, metadata={"description": "masked"})
    name = fields.String(required=True, metadata={"description": "masked"})
    tier = fields.String(required=True)
    joined_at = fields.AwareDateTime(required=True)


class DryRunSchema(Strict):
    members = fields.Integer(required=True)
    runs = fields.Integer(required=True)
    held_out = fields.Integer(
        required=True, metadata={"description": "runs beside these, of members who are held out"}
    )
    complete = fields.Boolean(
        required=True,
        metadata={"description": "false: there are more than 100,000 occasions, the first are shown"},
    )
    by_day = fields.List(fields.Nested(DryRunDaySchema()), required=True)
    sample = fields.List(fields.Nested(DryRunMemberSchema()), required=True)


def _counts(description: str) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": description},
    )


class AutomationReportSchema(Strict):
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    triggered = fields.Integer(required=True, metadata={"description": "waiting, acted and refused"})
    waiting = fields.Integer(required=True)
    acted = fields.Integer(required=True)
    refused = _counts("by reason; those of the last 90 days")
    untold = _counts("of those acted on, who was not told, by reason")
    unissued = _counts("of those acted on, who got no coupon, by the code of what stood against it")
    messages = _counts("pending, sent, failed, unknown, cancelled")
    read = fields.Integer(required=True, metadata={"description": "opened in the inbox"})
    clicked = fields.Integer(
        required=True, metadata={"description": "came into the mini-program by a tap on the message"}
    )
    coupons = fields.Integer(required=True)
    coupons_used = fields.Integer(required=True)
    points = fields.Integer(required=True)
    buyers = fields.Integer(required=True, metadata={"description": "within the days of attribution"})
    sales = fields.Integer(required=True)
    revenue_fen = fields.Integer(required=True, metadata={"description": "less refunds"})
    told = fields.Nested(
        CampaignArmSchema(),
        required=True,
        metadata={"description": "for whom it was done, since as many are held out as now"},
    )
    control = fields.Nested(CampaignArmSchema(), required=True, metadata={"description": "those held out"})
    uplift_bp = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "rate of those for whom it was done less that of those held out"},
    )


class AutomationTemplateSchema(Strict):
    code = fields.String(required=True)
    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    draft = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "for `POST /office/v1/automations`"}
    )
    to_fill = fields.List(
        fields.String(), required=True, metadata={"description": "places in which an id is missing"}
    )


class AutomationTemplatesSchema(Strict):
    items = fields.List(fields.Nested(AutomationTemplateSchema()), required=True)


def draft_of(arguments: dict[str, Any]) -> Draft:
    named = {name: value for name, value in arguments.items() if name not in ("segment", "version")}
    return Draft(segment_id=arguments["segment"], **named)


def dump_automation(view: AutomationView) -> dict[str, Any]:
    told = asdict(view)
    return {"segment": told.pop("segment_id"), **told}


def dump_dry_run(found: DryRun) -> dict[str, Any]:
    return asdict(found)


def dump_report(found: Report) -> dict[str, Any]:
    return {**asdict(found), "told": dump_arm(found.told), "control": dump_arm(found.control)}


def dump_template(found: Template) -> dict[str, Any]:
    return asdict(found)
