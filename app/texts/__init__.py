"""Wording in Chinese and English for whatever the rules and jobs themselves must say."""

from collections.abc import Mapping
from typing import Any

from app.texts.errors import ERRORS
from app.texts.errors_by_unit import ERRORS_BY_UNIT
from app.texts.malformed import malformed_text
from app.texts.words import TEXTS


def error_text(code: str, language: str, unit: object = None) -> str:
    """The sentence for an error code in `zh` or `en`; codes without one (there are none: tested) show themselves.

    `unit` is that of the refusal's data, or its `reason`, where it has one: points and money are spoken of differently.
    """
    pair = ERRORS_BY_UNIT.get((code, str(unit))) or ERRORS.get(code)
    return code if pair is None else pair[language == "en"]


def refusal_text(code: str, data: Mapping[str, Any], language: str) -> str:
    """The same as `error_text`, with what the data says of the fault where there are words for it."""
    fault = data.get("reason") or data.get("problem")
    told = malformed_text(code, str(fault), language) if fault else None
    return told or error_text(code, language, data.get("unit") or data.get("reason"))


def say(key: str, language: str, **values: object) -> str:
    """The text for a key in `zh` or `en`, with its values filled in. Raises `KeyError` for an unknown key."""
    return TEXTS[key][language == "en"].format(**values)


def yuan(amount_fen: int) -> str:
    """An amount as people read it: 1234 fen is ¥12.34."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}¥{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"
