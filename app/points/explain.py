"""Why points were earned, line by line: kept with the sale without words, told in the reader's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from app.points.rules import BASIS, Kind
from app.texts import say, yuan
from app.typed import convert

Cap = Literal["", "sale", "day"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one version of one rule gave, for the lines of `amount_fen`.

    `value` is the rate or the factor in ten-thousandths, or the fixed points; `cap` is the limit that made it less.
    """

    rule_id: int
    rule_no: int
    version: int
    name_zh: str
    name_en: str
    kind: Kind
    points: int
    amount_fen: int
    value: int
    cap: Cap

    def name(self, language: str) -> str:
        """The rule's own name in `zh` or `en`."""
        return self.name_en if language == "en" else self.name_zh

    def text(self, language: str) -> str:
        """The reason in `zh` or `en`."""
        told = say(
            f"earned.{self.kind}" if (self.kind, self.value) != ("base", BASIS) else "earned.base.one",
            language,
            amount=yuan(self.amount_fen),
            value=_plain(self),
            points=self.points,
        )
        return told + say(f"earned.cap.{self.cap}", language) if self.cap else told


def _plain(part: Part) -> str:
    """15,000 ten-thousandths as people write it: 1.5."""
    if part.kind == "extra":
        return str(part.value)
    fraction = f"{part.value % BASIS:04}".rstrip("0")
    return f"{part.value // BASIS}.{fraction}" if fraction else str(part.value // BASIS)


def kept(parts: Sequence[Part]) -> str:
    """As JSON for `sales.earned`: without names, which stand unchangeable with the rule's version."""
    return msgspec.json.encode(
        [
            {
                "rule_id": part.rule_id,
                "rule_no": part.rule_no,
                "version": part.version,
                "kind": part.kind,
                "points": part.points,
                "amount_fen": part.amount_fen,
                "value": part.value,
                "cap": part.cap,
            }
            for part in parts
        ]
    ).decode()


#: For a statement that reads a sale `s`: what `parts_of` takes.
PARTS = """(SELECT json_agg(e.part || jsonb_build_object('name_zh', r.name_zh, 'name_en', r.name_en) ORDER BY e.place)
    FROM jsonb_array_elements(s.earned) WITH ORDINALITY AS e (part, place)
    JOIN earn_rules r ON r.id = CAST(e.part ->> 'rule_id' AS bigint))"""


def parts_of(found: list[dict[str, Any]] | None) -> tuple[Part, ...]:
    """What a statement with `PARTS` read."""
    return convert(found or [], tuple[Part, ...])
