"""A round of a lottery as all faces tell it: its prizes with their odds, its commitment, later its seed."""

from typing import Any

from marshmallow import fields

from app.engagement.definitions import Lottery
from app.engagement.lottery_rounds import Round
from web.language import language
from web.paging import page_of
from web.schemas import Strict


class ShownPrizeSchema(Strict):
    prize_no = fields.Integer(required=True)
    name = fields.String(required=True)
    weight = fields.Integer(
        required=True, metadata={"description": "the odds are `weight` in the sum of all weights"}
    )
    stock = fields.Integer(required=True, allow_none=True, metadata={"description": "null: any number"})
    left = fields.Integer(required=True, allow_none=True)
    fallback = fields.Boolean(required=True, metadata={"description": "given where a drawn prize is used up"})
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)


class RoundSchema(Strict):
    id = fields.String(required=True)
    lottery_id = fields.String(required=True)
    round_no = fields.Integer(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    commitment = fields.String(required=True, metadata={"description": "SHA-256 of the seed, in hex"})
    committed_at = fields.AwareDateTime(required=True)
    seed = fields.String(required=True, allow_none=True, metadata={"description": "hex; null until the end"})
    revealed_at = fields.AwareDateTime(required=True, allow_none=True)
    prizes = fields.List(fields.Nested(ShownPrizeSchema()), required=True)


#: Made once: two schemas of one name would not fit into one document.
ROUND_PAGE = page_of(RoundSchema)


def dump_round(held: Round) -> dict[str, Any]:
    return {
        "id": held.id,
        "lottery_id": held.lottery_id,
        "round_no": held.round_no,
        "starts_at": held.starts_at,
        "ends_at": held.ends_at,
        "commitment": held.commitment,
        "committed_at": held.committed_at,
        "seed": held.seed,
        "revealed_at": held.revealed_at,
        "prizes": dump_prizes(held.terms, held.won),
    }


def dump_prizes(terms: Lottery, won: dict[int, int]) -> list[dict[str, Any]]:
    english = language() == "en"
    return [
        {
            "prize_no": prize_no,
            "name": prize.name_en if english else prize.name_zh,
            "weight": prize.weight,
            "stock": prize.stock,
            "left": None if prize.stock is None else prize.stock - won.get(prize_no, 0),
            "fallback": prize_no == terms.fallback,
            "points": prize.reward.points,
            "coupons": prize.reward.coupons,
            "chances": prize.reward.chances,
        }
        for prize_no, prize in enumerate(terms.prizes, 1)
    ]
