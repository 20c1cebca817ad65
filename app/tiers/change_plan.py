"""Setting the plan of tiers: whole, as its next version, never in the past. Names of tiers count at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.coupons.template import load
from app.db import into, reading, transaction
from app.errors import NotFound, VersionConflict
from app.tiers.card import TierName
from app.tiers.models import Tier, TierPlan
from app.tiers.plan import LOWEST, Plan, PlanMalformed, plans
from app.typed import convert

State = Literal["default", "planned", "in_force", "former"]
#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """A version with the names of its tiers as they are now. Version 0 is `default`: nobody has set a plan."""

    version: int
    state: State
    effective_from: datetime | None
    plan: Plan
    names: Sequence[TierName]


def newest(*, now: datetime) -> PlanView:
    """The version that was set last: it is the one to change, also before it begins."""
    return (versions(limit=1, before=None, now=now) or [_default()])[0]


def versions(*, limit: int, before: int | None, now: datetime) -> list[PlanView]:
    """Every version, newest first, older than `before`."""
    with reading() as connection:
        known = plans(connection)
        held = known.at(now)
        in_force = None if held is None else held.version
        wanted = select(TierPlan).order_by(TierPlan.version.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(TierPlan.version < before)
        rows = connection.execute(wanted).all()
        names = {
            row.code: TierName(code=row.code, zh=row.name_zh, en=row.name_en)
            for row in connection.execute(select(Tier.code, Tier.name_zh, Tier.name_en))
        }
    return [
        _view(
            row.version,
            row.effective_from,
            convert(row.definition, Plan),
            names,
            in_force,
            now,
        )
        for row in rows
    ]


def _default() -> PlanView:
    with reading() as connection:
        row = connection.execute(select(Tier.name_zh, Tier.name_en).where(Tier.code == LOWEST)).one()
    return PlanView(
        version=0,
        state="default",
        effective_from=None,
        plan=Plan(birthday_needs_phone=True),
        names=[TierName(code=LOWEST, zh=row.name_zh, en=row.name_en)],
    )


def _view(
    version: int, begins: datetime, plan: Plan, names: dict[str, TierName], held: int | None, now: datetime
) -> PlanView:
    state: State = "in_force" if version == held else "planned" if begins > now else "former"
    return PlanView(
        version=version,
        state=state,
        effective_from=begins,
        plan=plan,
        names=[names[level.code] for level in plan.levels],
    )


def change(
    *,
    plan: Plan,
    names: Sequence[TierName],
    version: int,
    effective_from: datetime | None,
    actor: audit.Actor,
    now: datetime,
) -> PlanView:
    """The next version; None: from now on. It takes the place of those that were to begin later, too.

    `version` is the newest one the caller has seen, 0 for none. `plan` comes from `plan_of`. Raises `PlanMalformed`
    for a beginning in the past, `VersionConflict`.
    """
    begins = effective_from or now
    if not now <= begins <= now + _FARTHEST:
        raise PlanMalformed(reason="effective_from: in the past, or more than a hundred years away")
    with transaction() as session:
        _one_after_another(session)
        former = session.execute(text("SELECT coalesce(max(version), 0) FROM tier_plans")).scalar_one()
        if former != version:
            raise VersionConflict(version=former)
        _check_coupons(session, plan, now)
        _name(session, names)
        definition = msgspec.to_builtins(plan)
        row = {"version": version + 1, "effective_from": begins, "definition": definition}
        _add(session, row, actor, now)
        told = {
            **definition,
            "effective_from": begins.isoformat(),
            "names": [[n.code, n.zh, n.en] for n in names],
        }
        audit.record(session, actor, "tier_plan.change", "tier_plan", version + 1, now=now, **told)
    state: State = "in_force" if begins <= now else "planned"
    return PlanView(version=version + 1, state=state, effective_from=begins, plan=plan, names=names)


def _check_coupons(session: Session, plan: Plan, now: datetime) -> None:
    """What they may give a second person has agreed to; here they must be there. Raises `PlanMalformed`."""
    for template_id in sorted(set[str]().union(*(level.coupons for level in plan.levels))):
        try:
            state = load(session, template_id, now=now).state
        except NotFound:
            state = "unknown"
        if state != "live":
            raise PlanMalformed(reason=f"tiers: the coupon template {template_id} is {state}, not live")


def _one_after_another(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tier_plans', 0))"))


def _add(session: Session, row: dict[str, object], actor: audit.Actor, now: datetime) -> None:
    try:
        session.execute(
            into(TierPlan),
            {
                **row,
                "created_by": actor.id if actor.type == "staff" else None,
                "created_at": now,
            },
        )
    except IntegrityError as error:
        # The lock lets nobody come here; the primary key holds without it.
        raise VersionConflict(version=row["version"]) from error


_NAME = text("""
    INSERT INTO tiers (id, code, name_zh, name_en)
    VALUES ((SELECT max(id) + 1 FROM tiers), :code, :zh, :en)
    ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en
        WHERE (tiers.name_zh, tiers.name_en) <> (excluded.name_zh, excluded.name_en)""")


def _name(session: Session, names: Sequence[TierName]) -> None:
    for name in names:
        session.execute(_NAME, {"code": name.code, "zh": name.zh, "en": name.en})
