"""Words of a rule that no member has: mistyped perhaps, and then the rule means nobody, or under `not` everybody.

Tags, article numbers and categories are not checked like what a rule names (names.py): anybody may use one first, and
a rule for a new article is written before somebody buys it. So whoever wrote the rule is told, and nothing is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import reading
from app.segments.fields.field import Condition
from app.segments.rule import parse

MOST_UNKNOWN = 50
# By field, what its words are among what members bought; of tags nothing.
_KINDS = {"tags": None, "bought_products": "product", "may_like": "product", "bought_categories": "category"}
# Each word is one look into an index; the order within leaves the planner no other one. Else, where it takes a word for
# one that many have, it reads on from wherever it begins, and for one that nobody has to the end. So a tag is the first
# from the word on, if that is the word.
_UNKNOWN = text("""
    SELECT w.field, w.word FROM
        unnest(CAST(:fields AS text[]), CAST(:kinds AS text[]), CAST(:words AS text[])) WITH ORDINALITY
        w (field, kind, word, nth)
    LEFT JOIN LATERAL (SELECT t.tag FROM member_tags t
        WHERE w.kind IS NULL AND t.tag >= w.word ORDER BY t.tag LIMIT 1) tagged ON true
    LEFT JOIN LATERAL (SELECT b.word FROM member_bought b
        WHERE b.kind = w.kind AND b.word = w.word ORDER BY b.last_on LIMIT 1) bought ON true
    WHERE w.word IS DISTINCT FROM coalesce(tagged.tag, bought.word) ORDER BY w.nth LIMIT :most""")


@dataclass(frozen=True, kw_only=True)
class UnknownWord:
    field: str
    word: str


def unknown_words(
    connection: Connection | Session, rules: Iterable[Mapping[str, Any] | None]
) -> tuple[UnknownWord, ...]:
    """The first so many of the rules, in their order; a list of members (None) has no words."""
    asked = [one for rule in rules if rule is not None for one in parse(dict(rule)).conditions()]
    words = list(dict.fromkeys(_words(asked)))
    if not words:
        return ()
    values = {
        "fields": [field for field, _ in words],
        "kinds": [_KINDS[field] for field, _ in words],
        "words": [word for _, word in words],
        "most": MOST_UNKNOWN,
    }
    return tuple(UnknownWord(**row._mapping) for row in connection.execute(_UNKNOWN, values))


def unknown_in(rule: Mapping[str, Any] | None) -> tuple[UnknownWord, ...]:
    """The same of one that is kept."""
    with reading() as connection:
        return unknown_words(connection, [rule])


def _words(asked: Iterable[Condition]) -> Iterable[tuple[str, str]]:
    return ((one.field.name, word) for one in asked if one.field.name in _KINDS for word in one.value)
