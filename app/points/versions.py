"""Versions of rules as rows: one to be, the newest, the next. The stories are in app/points/change.py."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.errors import Invalid, NotFound, VersionConflict
from app.points.loaded import rule_of
from app.points.models import EarnRule
from app.points.rules import AppliesTo, Definition, Rule, RuleMalformed, Stacking

Action = Literal["earn_rule.create", "earn_rule.change", "earn_rule.end"]
#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)


class RuleInThePast(Invalid):
    code = "rule_in_the_past"


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


def one_after_another(session: Session) -> None:
    """Until the transaction ends nobody else writes rules: ids become visible in their order (app/points/loaded.py)."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('earn_rules', 0))"))


def next_no(session: Session) -> int:
    """The number of a new rule."""
    return session.execute(text("SELECT coalesce(max(rule_no), 0) + 1 FROM earn_rules")).scalar_one()  # type: ignore[no-any-return]


def former(session: Session, rule_no: int, version: int) -> Rule:
    """The newest version, if it is that one. Raises `NotFound`, `VersionConflict`."""
    newest = session.execute(
        select(EarnRule).where(EarnRule.rule_no == rule_no).order_by(EarnRule.version.desc()).limit(1)
    ).scalar_one_or_none()
    if newest is None:
        raise NotFound
    if newest.version != version:
        raise VersionConflict(version=newest.version)
    return rule_of(newest)


def add(
    session: Session,
    rule_no: int,
    version: int,
    draft: Draft,
    action: Action,
    actor: audit.Actor,
    now: datetime,
    *,
    approval_id: str | None = None,
) -> Rule:
    """Write the version. Raises `RuleInThePast`, `RuleMalformed`, `VersionConflict`."""
    begins, ends = check_times(draft, action, now)
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
        "approval_id": approval_id,
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


def check_times(draft: Draft, action: Action, now: datetime) -> tuple[datetime, datetime | None]:
    """When it begins and ends. Raises `RuleInThePast`, `RuleMalformed`."""
    begins, ends = draft.effective_from or now, draft.effective_until
    if begins < now:
        raise RuleInThePast
    if max(begins, ends or begins) - now > _FARTHEST:
        raise RuleMalformed(reason="effective_from, effective_until: more than a hundred years away")
    if ends is not None and action != "earn_rule.end" and ends <= begins:
        raise RuleMalformed(reason="effective_until: not after effective_from")
    return begins, ends


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
