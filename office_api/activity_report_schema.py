"""The report of an activity as the back office speaks of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from marshmallow import fields

from app.engagement.report import Report
from app.engagement.survey_about import Opinion
from web.schemas import Strict


class ActivityCountSchema(Strict):
    members = fields.Integer(required=True)
    times = fields.Integer(
        required=True,
        metadata={"description": "check-ins, draws, gifts, or purchases and exchanges of a promotion"},
    )


class ActivityOfDaySchema(ActivityCountSchema):
    day = fields.Date(required=True)


class ActivityOfStoreSchema(ActivityCountSchema):
    store = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "where they bought, else where they are at home; null: in none"},
    )


class ActivityBoughtSchema(Strict):
    buyers = fields.Integer(required=True, metadata={"description": "of the members who took part"})
    purchases = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True, metadata={"description": "less refunds"})


class ActivityConversionSchema(Strict):
    during = fields.Nested(ActivityBoughtSchema(), required=True, metadata={"description": "within its time"})
    before = fields.Nested(
        ActivityBoughtSchema(),
        required=True,
        metadata={"description": "as long before it began as it has lasted"},
    )


class ActivityCostSchema(Strict):
    points_fen = fields.Integer(
        required=True, metadata={"description": "by the policy `settlement`, `fen_per_1000_points`"}
    )
    coupons_given_fen = fields.Integer(required=True, metadata={"description": "what they promise"})
    coupons_used_fen = fields.Integer(required=True)
    goods_fen = fields.Integer(required=True)
    discounts_fen = fields.Integer(required=True)
    total_fen = fields.Integer(
        required=True, metadata={"description": "without coupons that nobody has used"}
    )


class ActivityBudgetSchema(Strict):
    most = fields.Integer(required=True, allow_none=True)
    given = fields.Integer(required=True)
    left = fields.Integer(required=True, allow_none=True)


class ActivityScaleSchema(Strict):
    question_no = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"description": "`stars` (1 to 5) or `nps` (0 to 10)"})
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    answered = fields.Integer(required=True)
    mean_hundredths = fields.Integer(required=True)
    nps = fields.Integer(
        required=True, allow_none=True, metadata={"description": "-100 to 100: promoters less detractors"}
    )


class ActivityOpinionSchema(Strict):
    activity_id = fields.String(required=True, metadata={"description": "of the survey"})
    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    answers = fields.Integer(required=True)
    scales = fields.List(
        fields.Nested(ActivityScaleSchema()),
        required=True,
        metadata={"description": "none while too few have answered an anonymous survey"},
    )


class ActivityReportSchema(ActivityCountSchema):
    reached = fields.Integer(
        required=True,
        metadata={
            "description": "members it is for, as they are now: tier, birthday, points, home; "
            "of a welcome gift who joined while it was on"
        },
    )
    points = fields.Integer(
        required=True,
        metadata={
            "description": "given, less what was taken back, of a promotion with the refunds of its sales"
        },
    )
    coupons = fields.Integer(required=True)
    coupons_used = fields.Integer(required=True)
    chances = fields.Integer(required=True)
    points_paid = fields.Integer(required=True, metadata={"description": "by members, to take part"})
    taken_back = fields.Integer(required=True, metadata={"description": "gifts"})
    days = fields.List(
        fields.Nested(ActivityOfDaySchema()),
        required=True,
        metadata={"description": "oldest first; of a long one the last hundred"},
    )
    stores = fields.List(
        fields.Nested(ActivityOfStoreSchema()), required=True, metadata={"description": "the busiest first"}
    )
    conversion = fields.Nested(ActivityConversionSchema(), required=True)
    cost = fields.Nested(ActivityCostSchema(), required=True)
    points_budget = fields.Nested(ActivityBudgetSchema(), required=True)
    coupons_budget = fields.Nested(ActivityBudgetSchema(), required=True)
    discounts_budget = fields.Nested(
        ActivityBudgetSchema(), required=True, metadata={"description": "fen, less what went back"}
    )
    feedback = fields.List(
        fields.Nested(ActivityOpinionSchema()),
        required=True,
        metadata={"description": "surveys about it, the newest five first; none: members were not asked"},
    )


def dump_report(found: Report, opinions: Sequence[Opinion], store_codes: Mapping[int, str]) -> dict[str, Any]:
    told = asdict(found)
    during, before = told.pop("during"), told.pop("before")
    stores = [
        {
            "store": None if one.store_id is None else store_codes[one.store_id],
            "members": one.members,
            "times": one.times,
        }
        for one in found.stores
    ]
    return told | {
        "stores": stores,
        "conversion": {"during": during, "before": before},
        "cost": told["cost"] | {"total_fen": found.cost.total_fen},
        "points_budget": told["points_budget"] | {"left": found.points_budget.left},
        "coupons_budget": told["coupons_budget"] | {"left": found.coupons_budget.left},
        "discounts_budget": told["discounts_budget"] | {"left": found.discounts_budget.left},
        "feedback": [_opinion(one) for one in opinions],
    }


def _opinion(found: Opinion) -> dict[str, Any]:
    return {
        "activity_id": found.activity_id,
        "name_zh": found.name_zh,
        "name_en": found.name_en,
        "answers": found.answers,
        "scales": [
            {
                "question_no": one.question_no,
                "kind": one.question.kind,
                "title_zh": one.question.title_zh,
                "title_en": one.question.title_en,
                "answered": one.answered,
                "mean_hundredths": one.mean_hundredths,
                "nps": one.nps,
            }
            for one in found.scales
        ],
    }
