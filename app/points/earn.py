"""How many points a purchase earns, for which line, until when, and why: a pure function of rules and facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.clock import zone
from app.points.explain import Cap, Part
from app.points.fitting import Bought, MemberFacts, StoreFacts, fits, takes
from app.points.lots import expires_at, spendable_from
from app.points.rules import BASIS, AppliesTo, Base, Extra, Multiplier, Rule

_FEN_PER_YUAN = 100


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Points of a rule with a daily limit: they must fit under `most` together with what it gave before that day."""

    rule_no: int
    points: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Earning:
    """`shares` are the points of each line and sum to `points`; `parts` say which rule gave what.

    `rule_id` is the base rule that gave most; how long all these points last, and wait, is by that one. None of it
    where no base rule holds: then nothing is earned.
    """

    points: int
    shares: tuple[int, ...]
    rule_id: int | None
    available_at: datetime | None
    expires_at: datetime | None
    parts: tuple[Part, ...]
    counts: tuple[Counted, ...]


@dataclass(frozen=True, kw_only=True)
class _Award:
    """What one rule gives: by which weights its lines share it, and which limit made it less."""

    rule: Rule
    points: int
    weights: Sequence[int]
    amount_fen: int
    value: int
    cap: Cap = ""


def earn(
    *,
    rules: Iterable[Rule],
    lines: Sequence[Bought],
    member: MemberFacts,
    store: StoreFacts,
    at: datetime,
    applies_to: AppliesTo = "sale",
    taken: Mapping[int, int],
) -> Earning:
    """What these lines earn. `taken` is what rules with a daily limit gave the member before on this business day.

    Each line earns by one base rule (`Rule.precedence`). Every rule's points are exact until they are rounded down,
    once for the purchase. Limits cut what a rule gives; of rules that do not add up the one that gives most after
    its limits counts.
    """
    local = at.astimezone(zone(store.time_zone))
    fitting = [
        rule
        for rule in rules
        if rule.applies_to == applies_to and fits(rule.definition.conditions, member, store, local)
    ]
    owners = _owners(fitting, lines)
    bases = _bases(owners, lines, taken)
    if not bases:
        return _nothing(lines)
    lead = max(bases, key=lambda award: (award.points, award.amount_fen, award.rule.precedence))
    awards = [*bases, *_bonuses(fitting, owners, lines, taken)]
    policy, day = lead.rule.definition, local.date()
    assert isinstance(policy, Base)
    return Earning(
        points=sum(award.points for award in awards),
        shares=_shares(awards, len(lines)),
        rule_id=lead.rule.id,
        available_at=spendable_from(policy, day, store.time_zone),
        expires_at=expires_at(policy, day, store.time_zone),
        parts=tuple(_part(award) for award in awards),
        counts=tuple(_counts(awards)),
    )


def points_for(amount_fen: int, rate_bp: int) -> int:
    """Whole points for an amount paid; what is left of a point is dropped."""
    return amount_fen * rate_bp // (_FEN_PER_YUAN * BASIS)


def split(points: int, weights: Sequence[int]) -> list[int]:
    """Points by line in proportion to its weight, rounded down, the remainder to the heaviest line."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    shares = [points * weight // total for weight in weights]
    shares[weights.index(max(weights))] += points - sum(shares)
    return shares


def _nothing(lines: Sequence[Bought]) -> Earning:
    return Earning(
        points=0,
        shares=(0,) * len(lines),
        rule_id=None,
        available_at=None,
        expires_at=None,
        parts=(),
        counts=(),
    )


def _owners(fitting: Sequence[Rule], lines: Sequence[Bought]) -> list[Rule | None]:
    """The base rule of each line."""
    bases = [rule for rule in fitting if isinstance(rule.definition, Base)]
    bases.sort(key=lambda rule: rule.precedence, reverse=True)
    return [next((rule for rule in bases if takes(rule.definition.conditions, line)), None) for line in lines]


def _bases(owners: Sequence[Rule | None], lines: Sequence[Bought], taken: Mapping[int, int]) -> list[_Award]:
    found = []
    for rule in dict.fromkeys(owner for owner in owners if owner is not None):
        assert isinstance(rule.definition, Base)
        weights = [line.amount_fen if owner is rule else 0 for owner, line in zip(owners, lines, strict=True)]
        rate_bp, amount_fen = rule.definition.rate_bp, sum(weights)
        award = _Award(
            rule=rule,
            points=points_for(amount_fen, rate_bp),
            weights=weights,
            amount_fen=amount_fen,
            value=rate_bp,
        )
        found.append(_limited(award, taken))
    return found


def _bonuses(
    fitting: Sequence[Rule], owners: Sequence[Rule | None], lines: Sequence[Bought], taken: Mapping[int, int]
) -> list[_Award]:
    """What the other rules give on top; those that give nothing are not worth a word, unless a limit is why."""
    rates = [o.definition.rate_bp if o is not None and isinstance(o.definition, Base) else 0 for o in owners]
    awards = [
        _limited(award, taken)
        for rule in fitting
        if (award := _bonus(rule, rates, lines)) is not None and award.points > 0
    ]
    best = [award for award in awards if award.rule.stacking == "best"]
    kept = [award for award in awards if award.rule.stacking == "add"]
    if best:
        kept.append(max(best, key=lambda award: (award.points, award.rule.priority, award.rule.id)))
    return sorted(kept, key=lambda award: (-award.rule.priority, award.rule.id))


def _bonus(rule: Rule, rates: Sequence[int], lines: Sequence[Bought]) -> _Award | None:
    what, asked = rule.definition, rule.definition.conditions
    amounts = [line.amount_fen if takes(asked, line) else 0 for line in lines]
    amount_fen = sum(amounts)
    if isinstance(what, Multiplier):
        weights = [amount * rate for amount, rate in zip(amounts, rates, strict=True)]
        points = sum(weights) * (what.factor_bp - BASIS) // (_FEN_PER_YUAN * BASIS * BASIS)
        return _Award(rule=rule, points=points, weights=weights, amount_fen=amount_fen, value=what.factor_bp)
    if isinstance(what, Extra):
        # Nothing for nothing: a bill of zero is no way to points.
        points = what.points if amount_fen > 0 else 0
        return _Award(rule=rule, points=points, weights=amounts, amount_fen=amount_fen, value=what.points)
    return None


def _limited(award: _Award, taken: Mapping[int, int]) -> _Award:
    caps = award.rule.definition.caps
    points, cap = award.points, award.cap
    if caps.per_sale is not None and points > caps.per_sale:
        points, cap = caps.per_sale, "sale"
    if caps.per_day is not None:
        left = max(0, caps.per_day - taken.get(award.rule.rule_no, 0))
        if points > left:
            points, cap = left, "day"
    if not cap:
        return award
    return _Award(
        rule=award.rule,
        points=points,
        weights=award.weights,
        amount_fen=award.amount_fen,
        value=award.value,
        cap=cap,
    )


def _shares(awards: Sequence[_Award], lines: int) -> tuple[int, ...]:
    if len(awards) == 1:
        return tuple(split(awards[0].points, awards[0].weights))
    total = [0] * lines
    for award in awards:
        for place, share in enumerate(split(award.points, award.weights)):
            total[place] += share
    return tuple(total)


def _part(award: _Award) -> Part:
    rule = award.rule
    return Part(
        rule_id=rule.id,
        rule_no=rule.rule_no,
        version=rule.version,
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        kind=rule.definition.kind,
        points=award.points,
        amount_fen=award.amount_fen,
        value=award.value,
        cap=award.cap,
    )


def _counts(awards: Sequence[_Award]) -> Iterable[Counted]:
    """By number: two sales of one member move the same rows in the same order."""
    for award in sorted(awards, key=lambda award: award.rule.rule_no):
        most = award.rule.definition.caps.per_day
        if most is not None and award.points > 0:
            yield Counted(rule_no=award.rule.rule_no, points=award.points, most=most)
