"""What a benefit takes off, and what became of it, in Chinese and English."""

from app.discounts import reasons
from app.discounts.benefit import Benefit, Told
from app.discounts.effects import BASIS, AmountOff, Effect, FreePieces, Gift, PercentOff, PerFull
from app.texts import say, yuan


def effect_text(benefit: Benefit, language: str) -> str:
    """What it takes off, and from what on: 满 ¥100.00，打 9.5 折, or 5% off when you spend ¥100.00."""
    effect = _effect(benefit.effect, language)
    parts = [from_what_on(effect, benefit.at_least_fen, benefit.at_least_pieces, language)]
    if isinstance(benefit.effect, PercentOff) and benefit.effect.most_fen is not None:
        parts.append(say("benefit.most", language, most=yuan(benefit.effect.most_fen)))
    if isinstance(benefit.effect, PerFull) and benefit.effect.most_times is not None:
        parts.append(say("benefit.most_times", language, times=benefit.effect.most_times))
    return (", " if language == "en" else "，").join(parts)


def from_what_on(effect: str, at_least_fen: int, at_least_pieces: int, language: str) -> str:
    """The effect with its thresholds: before it in Chinese, behind it in English."""
    if not at_least_fen and not at_least_pieces:
        return effect
    key = "benefit.at_least" + (".fen" if at_least_fen else "") + (".pieces" if at_least_pieces else "")
    asked = say(key, language, least=yuan(at_least_fen), pieces=at_least_pieces)
    return f"{effect} {asked}" if language == "en" else f"{asked}，{effect}"


def handed_over_text(effect: Effect, language: str) -> str:
    """What somebody gets for it, without a bill; of a gift, the thing itself."""
    return effect.item(language) if isinstance(effect, Gift) else _effect(effect, language)


def coupon_text(reason: str, name: str, language: str) -> str:
    """Why a coupon of that name cannot be used, whatever is bought."""
    return say(f"benefit.{reason}", language, name=name)


def reason_text(told: Told, names: dict[str, str], language: str, *, item: str = "", asks: str = "") -> str:
    """Why it counts or not, and what is missing. `names` are those of the benefits by key, in that language.

    `item` is what a gift hands over; `asks` is what it asks for where that is the reason (app/discounts/asks.py).
    """
    key = "benefit.handed_over" if item and told.applied else f"benefit.{told.reason}"
    if asks:
        key += ".asks"
    if told.reason == reasons.BELOW_THRESHOLD:
        key += (".fen" if told.missing_fen else "") + (".pieces" if told.missing_pieces else "")
    return say(
        key,
        language,
        name=names.get(told.key, told.key),
        other=names.get(told.other, told.other),
        off=yuan(told.discount_fen),
        missing=yuan(told.missing_fen),
        pieces=told.missing_pieces,
        item=item,
        asks=asks,
    )


def _effect(effect: Effect, language: str) -> str:
    if isinstance(effect, PercentOff):
        if effect.percent_bp == BASIS:
            return say("benefit.free", language)
        # Chinese names what is left to pay, in tenths: 5 % off are 9.5 折.
        left, off = _plain(BASIS - effect.percent_bp, 1_000), _plain(effect.percent_bp, 100)
        return say("benefit.percent", language, value=off if language == "en" else left)
    if isinstance(effect, AmountOff):
        return say("benefit.amount", language, off=yuan(effect.off_fen))
    if isinstance(effect, PerFull):
        return say("benefit.per_full", language, every=yuan(effect.every_fen), off=yuan(effect.off_fen))
    if isinstance(effect, FreePieces):
        return say("benefit.free_pieces", language, pieces=effect.pieces)
    if isinstance(effect, Gift):
        return say("benefit.gift", language, item=effect.item(language))
    return say("benefit.price", language, price=yuan(effect.price_fen))


def _plain(number: int, unit: int) -> str:
    """As people write it: 9,500 in thousands is 9.5."""
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else str(whole)
