"""Closing a statement: what it counts is written down and frozen; and reopening the last one, with a reason."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import audit, policies
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Exceeded, Waiting
from app.db import into, transaction
from app.errors import Conflict, NotFound, VersionConflict
from app.settlement.draft import (
    Changed,
    SettlementOpen,
    SettlementState,
    expected,
    one_after_another,
    record,
    staff_of,
)
from app.settlement.figures import PATIENCE, WAITING, Line, fingerprint, owed_fen, settled
from app.settlement.models import ClosedLine, Closing, Reopening, Settlement
from app.settlement.policy import SettlementPolicy
from app.staff.roles import SETTLE
from app.staff.sign_in import may_still

APPROVAL_KIND = "settlement"


class SettlementNotLast(Conflict):
    """A later statement is closed already: what belongs to this one goes into the next. Data: `settlement_no`."""

    code = "settlement_not_last"


def close(*, settlement_no: int, version: int, staff_id: int, now: datetime) -> Changed | Waiting:
    """Freeze the draft as it stands now, by the policy in force; above the policy's limit a second person is asked.

    Raises `NotFound`, `VersionConflict`, `SettlementState`.
    """
    with transaction() as session:
        one_after_another(session)
        draft = expected(session, settlement_no, version, state="draft")
        policy = policies.in_force(session, SettlementPolicy)
        lines = _count(session, draft, policy.value)
        alone_fen = policy.value.alone_fen
        if alone_fen is not None and owed_fen(lines) > alone_fen:
            _let_go(session, settlement_no)
            return _ask(session, draft, policy, lines, staff_id, now)
        return _write_down(session, draft, policy, lines, staff_id, now)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Close what a second person has agreed to.

    Raises `ApprovalOutdated` when the statement, its figures or the policy are no longer those that were agreed to, or
    when whoever asked has lost the right or the account.
    """
    asked = approved.details
    if not may_still(session, approved.requested_by, SETTLE, None):
        raise ApprovalOutdated
    one_after_another(session)
    try:
        draft = expected(session, asked["settlement_no"], asked["version"], state="draft")
    except (NotFound, VersionConflict, SettlementState) as error:
        raise ApprovalOutdated from error
    policy = policies.in_force(session, SettlementPolicy)
    lines = _count(session, draft, policy.value)
    if (policy.version, fingerprint(lines)) != (asked["policy_version"], asked["figures"]):
        raise ApprovalOutdated
    _write_down(session, draft, policy, lines, approved.requested_by, now, approved.id)


def reopen(*, settlement_no: int, version: int, reason: str, actor: audit.Actor, now: datetime) -> Changed:
    """Make the last closed statement a draft again; what it said stays on record.

    Raises `NotFound`, `VersionConflict`, `SettlementState`, `SettlementNotLast`, and `SettlementOpen` while there is a
    draft after it.
    """
    with transaction() as session:
        one_after_another(session)
        closed = expected(session, settlement_no, version, state="closed")
        _check_last(session, closed)
        closed.state, closed.version = "draft", version + 1
        session.flush()
        _let_go(session, settlement_no)
        session.add(
            Reopening(
                settlement_id=settlement_no,
                version=version,
                reason=reason,
                reopened_by=staff_of(actor),
                reopened_at=now,
            )
        )
        record(session, actor, "settlement.reopen", settlement_no, now, version=closed.version)
        return Changed(settlement_no=settlement_no, version=closed.version)


def _check_last(session: Session, closed: Settlement) -> None:
    last = session.execute(select(Settlement).order_by(Settlement.until_date.desc()).limit(1)).scalar_one()
    if last.id != closed.id:
        refusal = SettlementOpen if last.state == "draft" else SettlementNotLast
        raise refusal(settlement_no=last.id)


# Whoever has not committed by now is not seen, whatever number it has, and is there for the next statement.
_COUNT = text(f"""
    INSERT INTO settled_transactions (transaction_id, settlement_id) SELECT id, :id FROM ({WAITING}) waiting""")  # noqa: S608  # constants of our own
_LET_GO = text("DELETE FROM settled_transactions WHERE settlement_id = :id")


def _count(session: Session, draft: Settlement, policy: SettlementPolicy) -> list[Line]:
    """Take what is not settled into the statement; its lines are reckoned from exactly that."""
    session.execute(PATIENCE)
    session.execute(_COUNT, {"id": draft.id, "until_date": draft.until_date})
    return settled(session, policy, settlement_id=draft.id, from_date=draft.from_date)


def _let_go(session: Session, settlement_no: int) -> None:
    session.execute(_LET_GO, {"id": settlement_no})


def _ask(
    session: Session,
    draft: Settlement,
    policy: policies.InForce[SettlementPolicy],
    lines: list[Line],
    staff_id: int,
    now: datetime,
) -> Waiting:
    details = {
        "settlement_no": draft.id,
        "version": draft.version,
        "from": draft.from_date.isoformat(),
        "until": draft.until_date.isoformat(),
        "policy_version": policy.version,
        "owed_fen": owed_fen(lines),
        "figures": fingerprint(lines),
    }
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=str(draft.id),
        details=details,
        store_id=None,
        staff_id=staff_id,
        now=now,
    )
    limit = Exceeded(policy=SettlementPolicy.NAME, field="alone_fen", limit=policy.value.alone_fen)
    return Waiting(approval_id=approval_id, why=(limit,))


def _write_down(
    session: Session,
    draft: Settlement,
    policy: policies.InForce[SettlementPolicy],
    lines: list[Line],
    staff_id: int,
    now: datetime,
    approval_id: str | None = None,
) -> Changed:
    draft.state, draft.version = "closed", draft.version + 1
    session.add(
        Closing(
            settlement_id=draft.id,
            version=draft.version,
            from_date=draft.from_date,
            until_date=draft.until_date,
            policy_version=policy.version,
            policy=msgspec.to_builtins(policy.value),
            alone_fen=policy.value.alone_fen,
            owed_fen=owed_fen(lines),
            closed_by=staff_id,
            closed_at=now,
            approval_id=approval_id,
        )
    )
    session.flush()
    if lines:
        session.execute(into(ClosedLine), [_row(draft, line) for line in lines])
    actor = audit.Actor(type="staff", id=staff_id)
    told = {"version": draft.version, "owed_fen": owed_fen(lines), "policy_version": policy.version}
    record(session, actor, "settlement.close", draft.id, now, **told, approval_id=approval_id)
    return Changed(settlement_no=draft.id, version=draft.version)


def _row(draft: Settlement, line: Line) -> dict[str, Any]:
    return {
        "settlement_id": draft.id,
        "version": draft.version,
        "debtor_id": line.debtor_id,
        "creditor_id": line.creditor_id,
        "unit": line.unit,
        "quantity": line.quantity,
        "late_quantity": line.late_quantity,
        "amount_fen": line.amount_fen,
    }
