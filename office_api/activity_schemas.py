"""An activity as the back office speaks of it: what it has beside the others stands under the name of its kind."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from marshmallow import fields, validate

from app.engagement import definitions as d
from app.engagement.activity import Activity
from app.engagement.change import Draft
from app.engagement.reward import MOST_CHANCES, MOST_COUPONS, MOST_REWARD_POINTS
from app.engagement.survey_questions import MOST_QUESTIONS
from app.points.rules import MOST_BP, MOST_DAYS, MOST_POINTS
from office_api.discount_schemas import EffectSchema, code_of_group
from office_api.rule_schemas import ConditionsSchema, conditions_of, dump_conditions, given
from office_api.survey_schemas import QuestionSchema
from web.schemas import MOST_FEN, Strict, flag, text, whole

_GIFTS = ("welcome", "first_order", "profile")
#: Where a draft says what only its kind has.
_PLACES = ("check_in", "lottery", "gift", "referral", "survey", "promotion")


class ActivityRewardSchema(Strict):
    points = whole(0, MOST_REWARD_POINTS, load_default=0)
    lifetime_days = whole(
        1,
        MOST_DAYS,
        load_default=None,
        allow_none=True,
        metadata={"description": "of the points; null: for ever"},
    )
    coupon_template = text(26, load_default=None, allow_none=True, metadata={"description": "id"})
    coupons = whole(0, MOST_COUPONS, load_default=0)
    lottery = text(26, load_default=None, allow_none=True, metadata={"description": "whose chances; id"})
    chances = whole(0, MOST_CHANCES, load_default=0)


class CheckInSchema(Strict):
    days = fields.List(
        fields.Nested(ActivityRewardSchema()),
        required=True,
        validate=validate.Length(1, d.MOST_CYCLE_DAYS),
        metadata={"description": "for the first day in a row, the second …; after the last it begins again"},
    )
    make_ups_a_month = whole(0, 31, load_default=0)
    make_up_points = whole(0, MOST_REWARD_POINTS, load_default=0)


class PrizeSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    weight = whole(1, d.MOST_WEIGHT, required=True, metadata={"description": "its share of all weights"})
    stock = whole(
        1,
        d.MOST_STOCK,
        load_default=None,
        allow_none=True,
        metadata={"description": "of a round; null: any number"},
    )
    reward = fields.Nested(ActivityRewardSchema(), load_default=None, allow_none=True)


class LotteryTermsSchema(Strict):
    prizes = fields.List(
        fields.Nested(PrizeSchema()), required=True, validate=validate.Length(1, d.MOST_PRIZES)
    )
    fallback = whole(
        1,
        d.MOST_PRIZES,
        required=True,
        metadata={"description": "number of the prize, from 1, that is given where another is used up"},
    )
    cost_points = whole(
        1,
        MOST_REWARD_POINTS,
        load_default=None,
        allow_none=True,
        metadata={"description": "of a draw; null: for chances only"},
    )
    draws_a_day = whole(1, 100, load_default=10, metadata={"description": "of a member"})
    most_rounds = whole(1, d.MOST_ROUNDS, load_default=1)


class ActivityGiftSchema(Strict):
    reward = fields.Nested(ActivityRewardSchema(), required=True)
    at_least_fen = whole(
        0, MOST_FEN, load_default=None, allow_none=True, metadata={"description": "first_order"}
    )
    fields_ = fields.List(
        fields.String(validate=validate.OneOf(("name", "birthday", "phone"))),
        data_key="fields",
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 3),
        metadata={"description": "profile: what must be told; null: all three"},
    )


class ReferralTermsSchema(Strict):
    inviter = fields.Nested(ActivityRewardSchema(), load_default=None, allow_none=True)
    newcomer = fields.Nested(ActivityRewardSchema(), load_default=None, allow_none=True)
    at_least_fen = whole(1, MOST_FEN, required=True, metadata={"description": "in one purchase"})
    window_days = whole(
        1, d.MOST_WINDOW_DAYS, load_default=30, metadata={"description": "from joining to that purchase"}
    )
    most_a_day = whole(1, d.MOST_INVITED_A_DAY, load_default=10, metadata={"description": "of an inviter"})
    most = whole(1, d.MOST_INVITED, load_default=100, metadata={"description": "of an inviter, in all"})
    phone_needed = flag(
        load_default=False, metadata={"description": "it counts once the newcomer has told a phone number"}
    )


class SurveySchema(Strict):
    questions = fields.List(
        fields.Nested(QuestionSchema()), required=True, validate=validate.Length(1, MOST_QUESTIONS)
    )
    anonymous = flag(load_default=False, metadata={"description": "results never say who said what"})
    reward = fields.Nested(ActivityRewardSchema(), load_default=None, allow_none=True)
    about = text(
        26,
        load_default=None,
        allow_none=True,
        metadata={"description": "id of the activity in whose report the answers are told"},
    )


class PromotionDiscountSchema(Strict):
    effect = fields.Nested(EffectSchema(), required=True)
    at_least_fen = whole(0, MOST_FEN, load_default=0, metadata={"description": "what the bill must come to"})
    group = code_of_group()
    budget_fen = whole(
        1,
        d.MOST_BUDGET,
        load_default=None,
        allow_none=True,
        metadata={"description": "of all bills; then the promotion stops. null: no limit"},
    )


class PromotionSchema(Strict):
    """One of `factor_bp` and `points`, or neither; with `discount`, `items`, or both. A discount sets no prices."""

    discount = fields.Nested(
        PromotionDiscountSchema(),
        load_default=None,
        allow_none=True,
        metadata={"description": "off each bill while it is on"},
    )
    factor_bp = whole(
        10_001,
        MOST_BP,
        load_default=None,
        allow_none=True,
        metadata={"description": "of the points of a purchase; 20,000 doubles"},
    )
    points = whole(
        1,
        MOST_REWARD_POINTS,
        load_default=None,
        allow_none=True,
        metadata={"description": "more for a purchase"},
    )
    per_day = whole(
        1,
        MOST_POINTS,
        load_default=None,
        allow_none=True,
        metadata={"description": "the most of these points for a member a day"},
    )
    items = fields.List(
        text(26),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, d.MOST_ITEMS),
        metadata={"description": "reward items that are in the mall while it is on; ids"},
    )


class ActivityDraftSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(d.KINDS))
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    starts_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)
    conditions = fields.Nested(ConditionsSchema(), load_default=None, allow_none=True)
    points_at_least = whole(
        0,
        MOST_POINTS,
        load_default=0,
        metadata={"description": "what a member must have to take part; not of a promotion"},
    )
    points_most = whole(
        0,
        d.MOST_BUDGET,
        load_default=None,
        allow_none=True,
        metadata={"description": "budget; null: no limit"},
    )
    coupons_most = whole(0, d.MOST_BUDGET, load_default=None, allow_none=True)
    check_in = fields.Nested(CheckInSchema(), load_default=None, allow_none=True)
    lottery = fields.Nested(LotteryTermsSchema(), load_default=None, allow_none=True)
    gift = fields.Nested(ActivityGiftSchema(), load_default=None, allow_none=True)
    referral = fields.Nested(ReferralTermsSchema(), load_default=None, allow_none=True)
    survey = fields.Nested(SurveySchema(), load_default=None, allow_none=True)
    promotion = fields.Nested(PromotionSchema(), load_default=None, allow_none=True)


class ActivitySchema(ActivityDraftSchema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("draft", "live", "stopped")))
    points_given = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of the budget, if there is one; null of a promotion: see its report"},
    )
    coupons_given = fields.Integer(required=True)


def draft_of(arguments: Mapping[str, Any], store_ids: Mapping[str, int], now: datetime) -> Draft:
    """Raises `ActivityMalformed`."""
    kind = arguments["kind"]
    place = "gift" if kind in _GIFTS else kind
    named = [name for name in _PLACES if arguments[name] is not None]
    if named != [place]:
        raise d.ActivityMalformed(reason=f"an activity of kind {kind} has {place}, and nothing else")
    what = {name.removesuffix("_"): _plain(value) for name, value in given(arguments[place]).items()}
    what["conditions"] = conditions_of(arguments["conditions"] or {}, store_ids)
    what["points_at_least"] = arguments["points_at_least"]
    return Draft(
        kind=kind,
        name_zh=arguments["name_zh"],
        name_en=arguments["name_en"],
        definition=d.definition_of(kind, what),
        starts_at=arguments["starts_at"] or now,
        ends_at=arguments["ends_at"],
        points_most=arguments["points_most"],
        coupons_most=arguments["coupons_most"],
    )


def _plain(value: Any) -> Any:
    """Without what was not given, at every depth."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in given(value).items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _told(value: Any) -> Any:
    """Every field, also what nobody has said, as a draft takes it: what there is none of is null."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        kind = {} if tag is None else {"kind": tag}
        return kind | {name: _told(inner) for name, inner in msgspec.structs.asdict(value).items()}
    if isinstance(value, tuple):
        return [_told(inner) for inner in value] or None
    if isinstance(value, frozenset):
        return sorted(value)
    return None if value == "" else value


def dump_activity(activity: Activity, store_codes: Mapping[int, str]) -> dict[str, Any]:
    what = _told(activity.definition)
    del what["conditions"], what["points_at_least"]
    told: dict[str, Any] = dict.fromkeys(_PLACES)
    told["gift" if activity.kind in _GIFTS else activity.kind] = what
    return {
        "id": activity.id,
        "kind": activity.kind,
        "version": activity.version,
        "state": activity.state,
        "name_zh": activity.name_zh,
        "name_en": activity.name_en,
        "starts_at": activity.starts_at,
        "ends_at": activity.ends_at,
        "conditions": dump_conditions(activity.definition.conditions, store_codes),
        "points_at_least": activity.definition.points_at_least,
        "points_most": activity.points_most,
        "points_given": None if activity.kind == "promotion" else activity.points_given,
        "coupons_most": activity.coupons_most,
        "coupons_given": activity.coupons_given,
        **told,
    }
