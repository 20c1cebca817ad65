"""Why something waits for a second person, in Chinese and English."""

from app.approvals.second_person import Exceeded
from app.texts import say, yuan
from app.texts.words import TEXTS

_PARTS = ("alone_percent_bp", "alone_bonus_bp")
_TIMES = ("alone_rate_bp", "alone_factor_bp")


def why_text(why: Exceeded, language: str) -> str:
    """The limit and its value; of a policy that is to be loosened, what it allows now."""
    key = f"limit.{why.policy}.{why.field}"
    if key not in TEXTS:
        return say("limit.loosened", language, field=why.field, limit=_value(why, language))
    return say(key, language, limit=_value(why, language))


def _value(why: Exceeded, language: str) -> str:
    if why.limit is None or isinstance(why.limit, bool | str):
        return say(f"limit.{why.limit}", language) if not isinstance(why.limit, str) else why.limit
    if why.field in _PARTS:
        return f"{_plain(why.limit, 100)}%"
    if why.field in _TIMES:
        return _plain(why.limit, 10_000)
    return yuan(why.limit) if why.field.endswith("_fen") else str(why.limit)


def _plain(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else str(whole)
