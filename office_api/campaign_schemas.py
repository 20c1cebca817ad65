"""How campaigns look in JSON."""

from dataclasses import asdict
from typing import Any

from marshmallow import fields, validate

from app.campaigns.campaign import CampaignView
from app.campaigns.draft import MOST_EXCLUDED, Draft
from app.campaigns.forecast import Forecast
from app.campaigns.gift import MOST_BUDGET_FEN
from app.campaigns.models import CHANNELS, STATES
from app.campaigns.report import Report
from app.campaigns.returns import Arm
from app.campaigns.try_out import MOST_MEMBERS
from office_api.segment_previews import unknown_field
from web.paging import PageArguments
from web.schemas import Strict, flag, label, text, whole


def _gift(**options: Any) -> fields.Dict:
    """As JSON, like the content (app/campaigns/gift.py)."""
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "`points` with `lifetime_days`, and `coupons` of a `coupon_template`, to each who is told",
            "example": {"points": 100, "lifetime_days": 30},
        },
        **options,
    )


def _content(**options: Any) -> fields.Dict:
    """As JSON; its own reader looks into it (app/campaigns/content.py)."""
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "`inbox` and the part of the channel, each in zh and en: docs/campaigns.md",
            "example": {
                "inbox": {
                    "zh": {"title": "周年庆", "body": "{name}，本周全场八折。"},
                    "en": {"title": "Our anniversary", "body": "{name}, 20% off everything this week."},
                }
            },
        },
        **options,
    )


class CampaignDraftSchema(Strict):
    name = label(60, required=True, metadata={"description": "for colleagues"})
    audience = text(26, required=True, metadata={"description": "id of a segment"})
    excluded = fields.List(
        text(26),
        load_default=(),
        validate=validate.Length(0, MOST_EXCLUDED),
        metadata={"description": "ids of segments whose members are left out"},
    )
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    else_inbox = flag(
        load_default=False, metadata={"description": "whom the channel does not reach finds it in the inbox"}
    )
    content = _content(required=True)
    starts_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: as soon as it is agreed to"}
    )
    drip_hours = whole(
        0, 168, load_default=0, metadata={"description": "members are told spread over so many hours"}
    )
    hold_out_bp = whole(
        0, 5_000, load_default=0, metadata={"description": "of 10,000 members, who are not told"}
    )
    attribution_days = whole(
        1, 90, load_default=7, metadata={"description": "so long after being told a purchase counts"}
    )
    gift = _gift(load_default=dict)
    budget_fen = whole(
        1,
        MOST_BUDGET_FEN,
        load_default=None,
        allow_none=True,
        metadata={"description": "what it may cost at most; null: what was agreed to"},
    )


class CampaignChangeSchema(CampaignDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class CampaignAsReadSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class CampaignCopySchema(Strict):
    name = label(60, required=True)


class CampaignsArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class CampaignSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    version = fields.Integer(required=True)
    audience = fields.String(required=True)
    excluded = fields.List(fields.String(), required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    else_inbox = fields.Boolean(required=True)
    content = _content(required=True)
    starts_at = fields.AwareDateTime(required=True, allow_none=True)
    drip_hours = fields.Integer(required=True)
    hold_out_bp = fields.Integer(required=True)
    attribution_days = fields.Integer(required=True)
    gift = _gift(required=True)
    budget_fen = fields.Integer(required=True, allow_none=True)
    approval_id = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    began_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_for = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "why it stopped: `staff`, or the code of what kept it from beginning"},
    )


class ForecastChannelSchema(Strict):
    channel = fields.String(required=True)
    asked = fields.Integer(
        required=True, metadata={"description": "members whom no channel before it reaches"}
    )
    reached = fields.Integer(required=True)
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "withdrawn, opted_out, no_address, no_credit, capped"},
    )


class CampaignCostSchema(Strict):
    messages_fen = fields.Integer(required=True)
    points_fen = fields.Integer(required=True)
    coupons_fen = fields.Integer(
        required=True, metadata={"description": "as if all were used for all they are worth"}
    )
    most_fen = fields.Integer(required=True)
    budget_fen = fields.Integer(required=True, allow_none=True)
    within_budget = fields.Boolean(required=True)
    coupons = fields.Integer(required=True)
    coupons_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "in stock; null: any number"}
    )
    coupon_worth_known = fields.Boolean(
        required=True, metadata={"description": "false: coupons stand in no sum, their face names no amount"}
    )


class CampaignForecastSchema(Strict):
    members = fields.Integer(required=True, metadata={"description": "in the audience, less the excluded"})
    held_out = fields.Integer(required=True)
    reached = fields.Integer(required=True)
    channels = fields.List(fields.Nested(ForecastChannelSchema()), required=True)
    cost = fields.Nested(
        CampaignCostSchema(),
        required=True,
        metadata={"description": "at most, if all who are reached are told"},
    )
    unknown_ = unknown_field()


class CampaignTestSchema(Strict):
    members = fields.List(
        text(20),
        required=True,
        validate=validate.Length(1, MOST_MEMBERS),
        metadata={"description": "member numbers"},
    )


class TriedSchema(Strict):
    member_no = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True, metadata={"description": "null: not told"})
    refused = fields.String(required=True, allow_none=True)


class CampaignTestedSchema(Strict):
    items = fields.List(fields.Nested(TriedSchema()), required=True)


class CampaignArmSchema(Strict):
    members = fields.Integer(required=True, metadata={"description": "who could be told and whose time came"})
    buyers = fields.Integer(required=True)
    rate_bp = fields.Integer(required=True, allow_none=True, metadata={"description": "buyers of members"})
    sales = fields.Integer(required=True)
    revenue_fen = fields.Integer(required=True, metadata={"description": "less refunds"})


class CampaignRedeemedSchema(Strict):
    coupons = fields.Integer(required=True, metadata={"description": "uses that were not undone"})
    members = fields.Integer(required=True, metadata={"description": "whose coupons were used"})
    revenue_fen = fields.Integer(required=True, metadata={"description": "of these bills, less refunds"})


class CampaignReturnsSchema(Strict):
    given = fields.Integer(required=True, metadata={"description": "members who got what it gives"})
    redeemed = fields.Nested(CampaignRedeemedSchema(), required=True)
    budget_fen = fields.Integer(required=True, allow_none=True)
    spent_fen = fields.Integer(
        required=True, metadata={"description": "taken off the budget: the most it may cost"}
    )
    messages_fen = fields.Integer(required=True)
    points_fen = fields.Integer(required=True)
    coupons_fen = fields.Integer(required=True, metadata={"description": "those that were used"})
    cost_fen = fields.Integer(required=True, metadata={"description": "the three together"})
    gain_fen = fields.Integer(
        required=True, metadata={"description": "what those told bought more than as many of those held out"}
    )
    roi_bp = fields.Integer(
        required=True, allow_none=True, metadata={"description": "(gain - cost) / cost, in basis points"}
    )


class CampaignMessagesSchema(Strict):
    pending = fields.Integer(required=True)
    sent = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    unknown_ = fields.Integer(required=True, data_key="unknown", attribute="unknown")
    cancelled = fields.Integer(required=True)


class CampaignByChannelSchema(CampaignMessagesSchema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))


class CampaignReportSchema(CampaignMessagesSchema):
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    targeted = fields.Integer(required=True)
    held_out = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "not planned yet"})
    planned = fields.Integer(
        required=True, metadata={"description": "messages: the five states below add up to it"}
    )
    refused = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    channels = fields.List(
        fields.Nested(CampaignByChannelSchema()),
        required=True,
        metadata={"description": "the same by each channel, in the order in which they are tried"},
    )
    read = fields.Integer(required=True, metadata={"description": "opened in the inbox"})
    clicked = fields.Integer(
        required=True, metadata={"description": "came into the mini-program by a tap on the message"}
    )
    told = fields.Nested(CampaignArmSchema(), required=True)
    control = fields.Nested(CampaignArmSchema(), required=True, metadata={"description": "those held out"})
    uplift_bp = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "rate of those told less that of those held out"},
    )
    returns = fields.Nested(CampaignReturnsSchema(), required=True)


def draft_of(arguments: dict[str, Any]) -> Draft:
    named = {
        name: value for name, value in arguments.items() if name not in ("audience", "excluded", "version")
    }
    return Draft(audience_id=arguments["audience"], excluded_ids=tuple(arguments["excluded"]), **named)


def dump_campaign(view: CampaignView) -> dict[str, Any]:
    told = asdict(view)
    names = {"audience": told.pop("audience_id"), "excluded": list(told.pop("excluded_ids"))}
    return told | names


def dump_forecast(found: Forecast) -> dict[str, Any]:
    return {**asdict(found), "channels": [asdict(one) for one in found.channels]}


def dump_report(found: Report) -> dict[str, Any]:
    told = asdict(found)
    channels = [{"channel": channel, **states} for channel, states in told.pop("by_channel").items()]
    messages = told.pop("messages")
    arms = {"told": dump_arm(found.told), "control": dump_arm(found.control)}
    return {**told, **messages, **arms, "channels": channels}


def dump_arm(arm: Arm) -> dict[str, Any]:
    return {**asdict(arm), "rate_bp": arm.rate_bp}
