"""Making, changing and ending rules of any kind. Nothing is edited: a change is the next version, and never begins in
the past. What gives more than one person may give alone waits for a second one."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Waiting
from app.db import transaction
from app.errors import VersionConflict
from app.points.known_names import check_names
from app.points.rulebook import D, Draft, R, Rule, RuleBook, RuleInThePast, Verb, check_times
from app.points.rules import RuleMalformed
from app.staff.roles import MANAGE_RULES
from app.staff.sign_in import may_still


def create(book: RuleBook[R, D], *, draft: D, actor: audit.Actor, now: datetime) -> R | Waiting:
    """A new rule; above what its maker may give alone it waits. Raises `RuleInThePast`, `RuleMalformed`,
    `RuleNamesUnknown`."""
    with transaction() as session:
        book.one_after_another(session)
        waiting = _ask(book, session, None, draft, "create", actor, now)
        return waiting or book.add(session, book.next_no(session), 1, draft, "create", actor, now)


def change(
    book: RuleBook[R, D], *, rule_no: int, version: int, draft: D, actor: audit.Actor, now: datetime
) -> R | Waiting:
    """The next version of a rule; it takes the place of those that were to begin later, too. It may wait as `create`.

    `version` is the newest one the caller has seen. Raises `NotFound`, `VersionConflict`, `RuleOfActivity`,
    `RuleInThePast`, `RuleMalformed`, `RuleNamesUnknown`.
    """
    with transaction() as session:
        book.one_after_another(session)
        newest = book.former(session, rule_no, version)
        book.check_free(session, rule_no)
        book.check_next(newest, draft)
        waiting = _ask(book, session, newest, draft, "change", actor, now)
        return waiting or book.add(session, rule_no, version + 1, draft, "change", actor, now)


def end(
    book: RuleBook[R, D],
    *,
    rule_no: int,
    version: int,
    at: datetime | None,
    actor: audit.Actor,
    now: datetime,
) -> R:
    """The version with which the rule ends, at once if no time is given. Raises as `change`."""
    with transaction() as session:
        book.one_after_another(session)
        newest = book.former(session, rule_no, version)
        book.check_free(session, rule_no)
        return end_it(book, session, newest, at or now, actor, now)


def end_it(
    book: RuleBook[R, D], session: Session, newest: R, at: datetime, actor: audit.Actor, now: datetime
) -> R:
    """The same within someone's transaction, in which nobody else writes rules."""
    ending = book.ending(newest, at)
    return book.add(session, newest.rule_no, newest.version + 1, ending, "end", actor, now)


def carry_out(book: RuleBook[R, D], session: Session, approved: Approved, now: datetime) -> None:
    """Make the version that a second person has agreed to. If its time has come meanwhile it begins now.

    Raises `ApprovalOutdated` when the rule has another version since, when its time is over, or when whoever asked has
    lost the right or the account.
    """
    book.one_after_another(session)
    asked = dict(approved.details)
    rule_no, version = asked.pop("rule_no"), asked.pop("version")
    try:
        draft = book.draft_of(asked)
        if draft.effective_from is not None:
            draft = replace(draft, effective_from=max(draft.effective_from, now))  # type: ignore[type-var]
        newest = None if rule_no is None else book.former(session, rule_no, version)
        stores = _stores(newest, draft)
        if not all(
            may_still(session, approved.requested_by, MANAGE_RULES, store) for store in stores or (None,)
        ):
            raise ApprovalOutdated
        number = book.next_no(session) if newest is None else newest.rule_no
        verb: Verb = "create" if newest is None else "change"
        actor = audit.Actor(type="staff", id=approved.requested_by)
        book.add(session, number, version + 1, draft, verb, actor, now, approval_id=approved.id)
    except (VersionConflict, RuleInThePast, RuleMalformed) as error:
        raise ApprovalOutdated from error


def _ask(
    book: RuleBook[R, D],
    session: Session,
    newest: R | None,
    draft: D,
    verb: Verb,
    actor: audit.Actor,
    now: datetime,
) -> Waiting | None:
    """Put it before a second person, unless the actor may do it alone; the operator always may."""
    check_times(draft, verb, now)
    check_names(session, draft.definition.conditions)
    number = None if newest is None else newest.rule_no
    if actor.type != "staff" or actor.id is None:
        return None
    why = book.exceeded(session, draft, book.made_alone(session, number, now))
    if not why:
        return None
    stores = _stores(newest, draft)
    asked: dict[str, Any] = {
        **book.asked_for(draft),
        "rule_no": number,
        "version": 0 if newest is None else newest.version,
    }
    approval_id = second_person.ask(
        session,
        kind=book.name,
        subject="new" if number is None else str(number),
        details=asked,
        store_id=next(iter(stores)) if stores is not None and len(stores) == 1 else None,
        staff_id=actor.id,
        now=now,
    )
    return Waiting(approval_id=approval_id, why=why)


def _stores(newest: Rule | None, draft: Draft) -> frozenset[int] | None:
    """The stores that the rule was or will be about; None: all."""
    before = frozenset[int]() if newest is None else newest.definition.conditions.stores
    after = draft.definition.conditions.stores
    return None if before is None or after is None else before | after
