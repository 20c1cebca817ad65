"""A tier, as every face shows it."""

from marshmallow import fields

from app.tiers.card import TierName
from web.language import language
from web.schemas import Strict


class TierSchema(Strict):
    code = fields.String(required=True)
    name = fields.String(required=True)


def dump_tier(tier: TierName) -> dict[str, str]:
    """Named in the language asked for."""
    return {"code": tier.code, "name": tier.en if language() == "en" else tier.zh}
