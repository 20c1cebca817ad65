"""Making, changing and ending rules. Nothing is edited: a change is the next version, and never begins in the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.errors import Invalid, NotFound, VersionConflict
from app.points.loaded import rule_of
from app.points.models import EarnRule
from app.points.rules import (
    NEVER,
    AppliesTo,
    Base,
    Conditions,
    Definition,
    Expiry,
    Rule,
    RuleMalformed,
    Stacking,
)

#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)


class RuleInThePast(Invalid):
    code = "rule_in_the_past"


class RateMissing(Invalid):
    """Only a store can hand back to the brand; the brand needs a rate, 0 for none."""

    code = "rate_missing"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version that is not one yet. `effective_from` None: at once."""

    name_zh: str
    name_en: str
    applies_to: AppliesTo = "sale"
    definition: Definition
    priority: int = 0
    stacking: Stacking = "add"
    effective_from: datetime | None = None
    effective_until: datetime | None = None


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Rule:
    """A new rule. Raises `RuleInThePast`, `RuleMalformed`."""
    with transaction() as session:
        _one_after_another(session)
        return _add(session, _next_no(session), 1, draft, "earn_rule.create", actor, now)


def change(*, rule_no: int, version: int, draft: Draft, actor: audit.Actor, now: datetime) -> Rule:
    """The next version of a rule; it takes the place of those that were to begin later, too.

    `version` is the newest one the caller has seen. Raises `NotFound`, `VersionConflict`, `RuleInThePast`,
    `RuleMalformed`, also for another kind of rule.
    """
    with transaction() as session:
        _one_after_another(session)
        former = _former(session, rule_no, version)
        if (former.definition.kind, former.applies_to) != (draft.definition.kind, draft.applies_to):
            raise RuleMalformed(reason="kind and applies_to of a rule stay: make another rule")
        return _add(session, rule_no, version + 1, draft, "earn_rule.change", actor, now)


def end(*, rule_no: int, version: int, at: datetime | None, actor: audit.Actor, now: datetime) -> Rule:
    """The version with which the rule ends, at once if no time is given. Raises as `change`."""
    with transaction() as session:
        _one_after_another(session)
        return _end(session, _former(session, rule_no, version), at or now, actor, now)


def set_rule(
    *,
    store_id: int | None,
    rate_bp: int | None,
    lifetime_days: int | None,
    effective_from: datetime,
    actor: audit.Actor,
    now: datetime,
) -> int:
    """Set the plain rate of a store, or of the brand (no store); the store's without a rate hands back to the brand.

    Returns the id of the version. Raises `RuleInThePast`, `RateMissing` for the brand.
    """
    if store_id is None and rate_bp is None:
        raise RateMissing
    with transaction() as session:
        _one_after_another(session)
        former = _plain(session, store_id)
        if rate_bp is None:
            return 0 if former is None else _end(session, former, effective_from, actor, now).id
        draft = _plain_draft(store_id, rate_bp, lifetime_days, effective_from)
        if former is None:
            return _add(session, _next_no(session), 1, draft, "earn_rule.create", actor, now).id
        return _add(session, former.rule_no, former.version + 1, draft, "earn_rule.change", actor, now).id


def _one_after_another(session: Session) -> None:
    """Until the transaction ends nobody else writes rules: ids become visible in their order (app/points/loaded.py)."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('earn_rules', 0))"))


def _next_no(session: Session) -> int:
    return session.execute(text("SELECT coalesce(max(rule_no), 0) + 1 FROM earn_rules")).scalar_one()  # type: ignore[no-any-return]


def _former(session: Session, rule_no: int, version: int) -> Rule:
    newest = session.execute(
        select(EarnRule).where(EarnRule.rule_no == rule_no).order_by(EarnRule.version.desc()).limit(1)
    ).scalar_one_or_none()
    if newest is None:
        raise NotFound
    if newest.version != version:
        raise VersionConflict(version=newest.version)
    return rule_of(newest)


def _plain(session: Session, store_id: int | None) -> Rule | None:
    """The newest version of the base rule that names this store, or none, and asks for nothing else."""
    newest = session.execute(
        select(EarnRule)
        .where(EarnRule.kind == "base", EarnRule.applies_to == "sale")
        .ext(distinct_on(EarnRule.rule_no))
        .order_by(EarnRule.rule_no, EarnRule.version.desc())
    ).scalars()
    wanted = _only(store_id)
    fitting = [rule for rule in map(rule_of, newest) if rule.definition.conditions == wanted]
    return max(fitting, key=lambda rule: rule.precedence, default=None)


def _only(store_id: int | None) -> Conditions:
    return Conditions(stores=None if store_id is None else frozenset({store_id}))


def _plain_draft(
    store_id: int | None, rate_bp: int, lifetime_days: int | None, effective_from: datetime
) -> Draft:
    expiry = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    return Draft(
        name_zh="消费积分" if store_id is None else "门店消费积分",
        name_en="Points for purchases" if store_id is None else "Points for purchases in this store",
        definition=Base(conditions=_only(store_id), rate_bp=rate_bp, expiry=expiry),
        effective_from=effective_from,
    )


def _end(session: Session, former: Rule, at: datetime, actor: audit.Actor, now: datetime) -> Rule:
    draft = Draft(
        name_zh=former.name_zh,
        name_en=former.name_en,
        applies_to=former.applies_to,
        definition=former.definition,
        priority=former.priority,
        stacking=former.stacking,
        effective_from=at,
        effective_until=at,
    )
    return _add(session, former.rule_no, former.version + 1, draft, "earn_rule.end", actor, now)


def _add(
    session: Session,
    rule_no: int,
    version: int,
    draft: Draft,
    action: Literal["earn_rule.create", "earn_rule.change", "earn_rule.end"],
    actor: audit.Actor,
    now: datetime,
) -> Rule:
    begins, ends = draft.effective_from or now, draft.effective_until
    if begins < now:
        raise RuleInThePast
    if max(begins, ends or begins) - now > _FARTHEST:
        raise RuleMalformed(reason="effective_from, effective_until: more than a hundred years away")
    if ends is not None and action != "earn_rule.end" and ends <= begins:
        raise RuleMalformed(reason="effective_until: not after effective_from")
    row: dict[str, Any] = {
        "rule_no": rule_no,
        "version": version,
        "name_zh": draft.name_zh,
        "name_en": draft.name_en,
        "kind": draft.definition.kind,
        "applies_to": draft.applies_to,
        "definition": msgspec.to_builtins(draft.definition, order="deterministic"),
        "priority": draft.priority,
        "stacking": draft.stacking,
        "effective_from": begins,
        "effective_until": ends,
    }
    try:
        added = session.execute(
            insert(EarnRule)
            .values(**row, created_by=actor.id if actor.type == "staff" else None, created_at=now)
            .returning(EarnRule)
        ).scalar_one()
    except IntegrityError as error:
        # Whoever came first made this version; the lock lets nobody come here, the unique key holds without it.
        raise VersionConflict(version=version) from error
    _record(session, actor, action, row, now)
    return rule_of(added)


def _record(session: Session, actor: audit.Actor, action: str, row: dict[str, Any], now: datetime) -> None:
    """Of a rule for one store it is that store's record."""
    stores = cast("dict[str, Any]", row["definition"]).get("conditions", {}).get("stores", [])
    told = {**row, "effective_from": row["effective_from"].isoformat()}
    told["effective_until"] = None if row["effective_until"] is None else row["effective_until"].isoformat()
    audit.record(
        session,
        actor,
        action,
        "earn_rule",
        row["rule_no"],
        now=now,
        store_id=stores[0] if len(stores) == 1 else None,
        **told,
    )
