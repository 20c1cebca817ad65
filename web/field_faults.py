"""What is wrong with which field, in the caller's language.

The library that reads requests speaks English only; all it says passes here.
"""

import re
from typing import Any

from app.texts.fields import FIELD_FAULTS, OTHER_FAULT


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", re.escape(sentence)), re.DOTALL)


_PATTERNS = [(_pattern(sentence), pair) for sentence, pair in FIELD_FAULTS.items() if "{" in sentence]


def field_faults(found: Any, language: str) -> Any:
    """The same tree of fields and lists of sentences, the sentences in `zh` or `en`."""
    if isinstance(found, dict):
        return {name: field_faults(inner, language) for name, inner in found.items()}
    if isinstance(found, list):
        return [field_faults(inner, language) for inner in found]
    return fault_text(str(found), language)


def fault_text(sentence: str, language: str) -> str:
    """One sentence of the library, in `zh` or `en`; one that nobody foresaw is not handed on."""
    pair, values = _find(sentence)
    return pair[language == "en"].format(**values)


def _find(sentence: str) -> tuple[tuple[str, str], dict[str, str]]:
    if sentence in FIELD_FAULTS:
        return FIELD_FAULTS[sentence], {}
    for pattern, pair in _PATTERNS:
        if match := pattern.fullmatch(sentence):
            return pair, match.groupdict()
    return OTHER_FAULT, {}
