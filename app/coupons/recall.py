"""Coupons taken back by the back office, with a reason: by id, or all that one source gave of a template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.orm import Session

from app import audit, idempotency, policies
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved
from app.coupons.grant_models import CouponRecall
from app.coupons.policy import CouponPolicy
from app.coupons.tell_recalled import tell_recalled
from app.coupons.template import load, only
from app.coupons.void import void
from app.db import reading, transaction
from app.errors import NotFound
from app.ids import new_id
from app.staff.models import Staff
from app.staff.roles import MANAGE_ACTIVITIES
from app.staff.sign_in import may_still

APPROVAL_KIND = "coupon_recall"
#: For one call.
MOST = 1_000
_DAY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`coupon_ids`, or without them what `source_id` gave of the template: the id of a grant, a top-up, a ticket."""

    reason: str
    coupon_ids: Sequence[str] = ()
    template_id: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """`state` is `done`, or `waiting` for a second person, with nothing changed yet.

    `recalled` were held and are not any more, `kept` were used up or recalled before. `left` are more of the source
    than one call takes. What was unused is worth `unused_value_fen`: to be paid back, where members paid for it.
    """

    recall_id: str
    state: str
    approval_id: str | None
    recalled: int = 0
    kept: int = 0
    left: int = 0
    unused_uses: int = 0
    unused_value_fen: int = 0


_OF_SOURCE = text("""
    SELECT id FROM coupons WHERE source_id = :source_id AND template_id = :template_id AND state = 'held'
    ORDER BY id LIMIT :limit""")
_ALL_OF_SOURCE = text("""
    SELECT count(*) AS coupons, count(*) FILTER (WHERE state = 'held') AS held FROM coupons
    WHERE source_id = :source_id AND template_id = :template_id""")
_TEMPLATES = text("SELECT template_id, count(*) AS n FROM coupons WHERE id = ANY(:ids) GROUP BY template_id")


def templates_of(wish: Wish) -> set[str]:
    """Whose coupons they are, for whoever asks what the caller may see. Raises `NotFound` if one is not there."""
    if not wish.coupon_ids:
        return {wish.template_id or ""}
    with reading() as connection:
        return _templates(connection, wish.coupon_ids)


def _templates(connection: Connection | Session, coupon_ids: Sequence[str]) -> set[str]:
    rows = connection.execute(_TEMPLATES, {"ids": list(coupon_ids)}).all()
    if sum(row.n for row in rows) < len(set(coupon_ids)):
        raise NotFound
    return {row.template_id for row in rows}


def recall(*, wish: Wish, staff_id: int, request: idempotency.Request, now: datetime) -> Recalled:
    """Take them away, or ask a second person; the same key gives the same answer again.

    Raises `NotFound` for an unknown coupon, or a source that gave none; `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Recalled)
        if former is not None:
            return former
        answer = _recall(session, wish, staff_id, now)
        idempotency.remember(session, request, answer, now)
        return answer


def _recall(session: Session, wish: Wish, staff_id: int, now: datetime) -> Recalled:
    ids, _ = _wanted(session, wish)
    policy = policies.in_force(session, CouponPolicy).value
    recall = CouponRecall(
        id=new_id(now),
        wanted=_asked(wish),
        reason=wish.reason,
        requested_by=staff_id,
        alone_recalls=policy.alone_recalls,
        state="done",
        created_at=now,
        done_at=now,
    )
    if not _may_alone(session, recall, len(ids), policy, now):
        waiting = _ask(session, recall, len(ids), now)
        if waiting.subject == recall.id:
            recall.approval_id, recall.state, recall.done_at = waiting.id, "waiting", None
            session.add(recall)
        return Recalled(recall_id=waiting.subject, state="waiting", approval_id=waiting.id)
    return _do(session, recall, wish, now)


def _wanted(session: Session, wish: Wish) -> tuple[list[str], int]:
    """Ids of what is to be taken, and how many more of the source are held. Raises `NotFound`."""
    if wish.coupon_ids:
        return sorted(set(wish.coupon_ids)), 0
    values: dict[str, Any] = {"source_id": wish.source_id, "template_id": wish.template_id}
    there = session.execute(_ALL_OF_SOURCE, values).one()
    if there.coupons == 0:
        raise NotFound
    return list(session.execute(_OF_SOURCE, {**values, "limit": MOST}).scalars()), max(0, there.held - MOST)


def _asked(wish: Wish) -> dict[str, Any]:
    if wish.coupon_ids:
        return {"coupon_ids": sorted(set(wish.coupon_ids))}
    return {"template_id": wish.template_id, "source_id": wish.source_id}


def _may_alone(session: Session, recall: CouponRecall, n: int, policy: CouponPolicy, now: datetime) -> bool:
    if n > policy.alone_recalls:
        return False
    # One at a time for each person, or two halves of a day's limit would each look like the first.
    lock = select(Staff.id).where(Staff.id == recall.requested_by).with_for_update(key_share=True)
    session.execute(lock)
    taken = select(func.coalesce(func.sum(CouponRecall.recalled), 0)).where(
        CouponRecall.requested_by == recall.requested_by,
        CouponRecall.approval_id.is_(None),
        CouponRecall.created_at >= now - _DAY,
    )
    return bool(session.execute(taken).scalar_one() + n <= policy.alone_recalls_a_day)


def _ask(session: Session, recall: CouponRecall, n: int, now: datetime) -> second_person.Alike:
    """The request for it: the one that waits already, where the person has asked for the very same."""
    wish: second_person.Wish = {
        "kind": APPROVAL_KIND,
        "details": {**recall.wanted, "reason": recall.reason, "coupons": n},
        "store_id": only(_stores(session, recall.wanted, now)),
        "staff_id": recall.requested_by,
        "now": now,
    }
    alike = second_person.same(session, **wish)
    if alike is not None:
        return alike
    return second_person.Alike(id=second_person.ask(session, subject=recall.id, **wish), subject=recall.id)


def _stores(session: Session, wanted: dict[str, Any], now: datetime) -> frozenset[int] | None:
    """Those that the templates are about, all together; None: all."""
    ids = wanted.get("coupon_ids")
    templates = [wanted["template_id"]] if ids is None else sorted(_templates(session, ids))
    found: set[int] = set()
    for template_id in templates:
        stores = load(session, template_id, now=now).stores
        if stores is None:
            return None
        found |= stores
    return frozenset(found)


def _do(session: Session, recall: CouponRecall, wish: Wish, now: datetime) -> Recalled:
    """Take them, tell who held them, and write down how many there were.

    The row is written last: before it, nobody knows.
    """
    ids, left = _wanted(session, wish)
    taken = void(session, ids, note=recall.reason, staff_id=recall.requested_by, now=now)
    recall.state, recall.done_at = "done", now
    recall.recalled, recall.kept = len(taken), len(ids) - len(taken)
    recall.unused_uses = sum(one.unused_uses for one in taken)
    recall.unused_value_fen = sum(one.unused_value_fen for one in taken)
    tell_recalled(session, taken, now=now)
    session.add(recall)
    session.flush()
    told = Recalled(
        recall_id=recall.id,
        state="done",
        approval_id=recall.approval_id,
        recalled=recall.recalled,
        kept=recall.kept,
        left=left,
        unused_uses=recall.unused_uses,
        unused_value_fen=recall.unused_value_fen,
    )
    _record(session, recall, [one.coupon_id for one in taken], now)
    return told


def show(recall_id: str) -> tuple[Recalled, Wish]:
    """How it stands, and what was asked for. Raises `NotFound`."""
    with transaction() as session:
        row = session.get(CouponRecall, recall_id)
        if row is None:
            raise NotFound
        numbers = {
            name: getattr(row, name) for name in ("recalled", "kept", "unused_uses", "unused_value_fen")
        }
        told = Recalled(recall_id=row.id, state=row.state, approval_id=row.approval_id, **numbers)
        return told, Wish(reason=row.reason, **row.wanted)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Take what a second person has agreed to, as far as it is still held.

    Raises `ApprovalOutdated` when whoever asked has lost the right or the account.
    """
    recall = session.execute(select(CouponRecall).where(CouponRecall.id == approved.subject)).scalar_one()
    stores = _stores(session, recall.wanted, now)
    if not all(
        may_still(session, approved.requested_by, MANAGE_ACTIVITIES, store) for store in stores or (None,)
    ):
        raise ApprovalOutdated
    _do(session, recall, Wish(reason=recall.reason, **recall.wanted), now)


def close_refused(session: Session, recall_id: str) -> None:
    """A second person has said no, or who asked has withdrawn it."""
    session.execute(
        update(CouponRecall)
        .where(CouponRecall.id == recall_id, CouponRecall.state == "waiting")
        .values(state="closed")
    )


def _record(session: Session, recall: CouponRecall, coupon_ids: Sequence[str], now: datetime) -> None:
    audit.record(
        session,
        audit.Actor(type="staff", id=recall.requested_by),
        "coupons.recall",
        "coupon_recall",
        recall.id,
        now=now,
        store_id=only(_stores(session, recall.wanted, now)),
        coupon_ids=list(coupon_ids),
        kept=recall.kept,
        unused_value_fen=recall.unused_value_fen,
        reason=recall.reason,
        approval_id=recall.approval_id,
    )
