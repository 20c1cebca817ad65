"""Making, changing and ending rules. Nothing is edited: a change is the next version, and never begins in the past."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Waiting
from app.db import transaction
from app.errors import Invalid, VersionConflict
from app.points.loaded import rule_of
from app.points.models import EarnRule
from app.points.rule_limits import may_alone
from app.points.rules import NEVER, Base, Conditions, Expiry, Rule, RuleMalformed, definition_of
from app.points.versions import (
    Action,
    Draft,
    RuleInThePast,
    add,
    check_times,
    former,
    next_no,
    one_after_another,
)
from app.staff.roles import MANAGE_RULES
from app.staff.sign_in import may_still

APPROVAL_KIND = "earn_rule"


class RateMissing(Invalid):
    """Only a store can hand back to the brand; the brand needs a rate, 0 for none."""

    code = "rate_missing"


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Rule | Waiting:
    """A new rule; above what its maker may give alone it waits. Raises `RuleInThePast`, `RuleMalformed`."""
    with transaction() as session:
        one_after_another(session)
        waiting = _ask(session, None, draft, "earn_rule.create", actor, now)
        return waiting or add(session, next_no(session), 1, draft, "earn_rule.create", actor, now)


def change(*, rule_no: int, version: int, draft: Draft, actor: audit.Actor, now: datetime) -> Rule | Waiting:
    """The next version of a rule; it takes the place of those that were to begin later, too. It may wait as `create`.

    `version` is the newest one the caller has seen. Raises `NotFound`, `VersionConflict`, `RuleInThePast`,
    `RuleMalformed`, also for another kind of rule.
    """
    with transaction() as session:
        one_after_another(session)
        newest = former(session, rule_no, version)
        if (newest.definition.kind, newest.applies_to) != (draft.definition.kind, draft.applies_to):
            raise RuleMalformed(reason="kind and applies_to of a rule stay: make another rule")
        waiting = _ask(session, newest, draft, "earn_rule.change", actor, now)
        return waiting or add(session, rule_no, version + 1, draft, "earn_rule.change", actor, now)


def end(*, rule_no: int, version: int, at: datetime | None, actor: audit.Actor, now: datetime) -> Rule:
    """The version with which the rule ends, at once if no time is given. Raises as `change`."""
    with transaction() as session:
        one_after_another(session)
        return _end(session, former(session, rule_no, version), at or now, actor, now)


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

    For the operator: nobody else is asked.
    Returns the id of the version. Raises `RuleInThePast`, `RateMissing` for the brand.
    """
    if store_id is None and rate_bp is None:
        raise RateMissing
    with transaction() as session:
        one_after_another(session)
        newest = _plain(session, store_id)
        if rate_bp is None:
            return 0 if newest is None else _end(session, newest, effective_from, actor, now).id
        draft = _plain_draft(store_id, rate_bp, lifetime_days, effective_from)
        if newest is None:
            return add(session, next_no(session), 1, draft, "earn_rule.create", actor, now).id
        return add(session, newest.rule_no, newest.version + 1, draft, "earn_rule.change", actor, now).id


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Make the version that a second person has agreed to. If its time has come meanwhile it begins now.

    Raises `ApprovalOutdated` when the rule has another version since, when its time is over, or when whoever asked has
    lost the right or the account.
    """
    one_after_another(session)
    asked = dict(approved.details)
    rule_no, version = asked.pop("rule_no"), asked.pop("version")
    definition = definition_of(asked.pop("kind"), asked.pop("definition"))
    begins, ends = (
        msgspec.convert(asked.pop(name), datetime | None) for name in ("effective_from", "effective_until")
    )
    if begins is not None:
        begins = max(begins, now)
    draft = Draft(**asked, definition=definition, effective_from=begins, effective_until=ends)
    try:
        newest = None if rule_no is None else former(session, rule_no, version)
        stores = _stores(newest, draft)
        if not all(
            may_still(session, approved.requested_by, MANAGE_RULES, store) for store in stores or (None,)
        ):
            raise ApprovalOutdated
        number = next_no(session) if newest is None else newest.rule_no
        action: Action = "earn_rule.create" if newest is None else "earn_rule.change"
        actor = audit.Actor(type="staff", id=approved.requested_by)
        add(session, number, version + 1, draft, action, actor, now, approval_id=approved.id)
    except (VersionConflict, RuleInThePast, RuleMalformed) as error:
        raise ApprovalOutdated from error


def _ask(
    session: Session, newest: Rule | None, draft: Draft, action: Action, actor: audit.Actor, now: datetime
) -> Waiting | None:
    """Put it before a second person, unless the actor may do it alone; the operator always may."""
    check_times(draft, action, now)
    number = None if newest is None else newest.rule_no
    if actor.type != "staff" or actor.id is None or may_alone(session, number, draft, now):
        return None
    stores = _stores(newest, draft)
    asked: dict[str, Any] = {
        **msgspec.to_builtins(draft, order="deterministic"),
        "kind": draft.definition.kind,
        "rule_no": number,
        "version": 0 if newest is None else newest.version,
    }
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject="new" if number is None else str(number),
        details=asked,
        store_id=next(iter(stores)) if stores is not None and len(stores) == 1 else None,
        staff_id=actor.id,
        now=now,
    )
    return Waiting(approval_id=approval_id)


def _stores(newest: Rule | None, draft: Draft) -> frozenset[int] | None:
    """The stores that the rule was or will be about; None: all."""
    before = frozenset[int]() if newest is None else newest.definition.conditions.stores
    after = draft.definition.conditions.stores
    return None if before is None or after is None else before | after


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


def _end(session: Session, newest: Rule, at: datetime, actor: audit.Actor, now: datetime) -> Rule:
    draft = Draft(
        name_zh=newest.name_zh,
        name_en=newest.name_en,
        applies_to=newest.applies_to,
        definition=newest.definition,
        priority=newest.priority,
        stacking=newest.stacking,
        effective_from=at,
        effective_until=at,
    )
    return add(session, newest.rule_no, newest.version + 1, draft, "earn_rule.end", actor, now)
