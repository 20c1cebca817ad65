"""The refund of a top-up that WeChat Pay took in: asked → done | failed.

The value leaves the account before WeChat Pay is asked, so it cannot be spent meanwhile; should WeChat Pay refuse for
good it goes back. The number is ours and the same at every try, and nobody asks twice at once, so whatever answer is
lost the money goes once. No transaction is open while we ask. What may have been paid is never taken for refused.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import idempotency
from app.checkout.top_up_refund import TopUpRefundUnderWay, Wanted, carry_on, locked
from app.checkout.top_up_refund_record import TopUpRefunded, done, failed
from app.checkout.wechat_orders import PaymentMismatch, PaymentNotOffered, PaymentUnknown
from app.checkout.wechat_refunds import Asking, settle
from app.db import Busy, reading, transaction
from app.providers.wechat_pay import RefundResult, RefundState, WechatPay
from app.pruning import always
from app.stored_value.refund_models import TopUpRefund

log = logging.getLogger(__name__)

_BATCH = 20
#: What the payer reads in WeChat.
_REASON = "会员储值退款"


def ask(
    *,
    pay: WechatPay | None,
    top_up_id: str,
    wanted: Wanted,
    staff_id: int,
    request: idempotency.Request,
    now: datetime,
) -> TopUpRefunded:
    """Take the value out and ask WeChat Pay to pay it back; the same key tells how it stands by then.

    Raises `PaymentNotOffered`, `NotFound` also for one of a till, `TopUpNotCredited`, `TopUpRefundExceeds`,
    `TopUpRefundNothing`, `TopUpRefundOutdated`, `TopUpRefundUnderWay`, `KeyReused`, `Busy`.
    """
    if pay is None:
        raise PaymentNotOffered
    asked = _asked(top_up_id, wanted, staff_id, request, now)
    if asked.state == "pending":
        return asked
    try:
        with pay.places.one():
            _try(pay, asked.refund_id, now)
    except Busy:
        log.info("top-up refund %s: left to the worker", asked.refund_id)
    return replace(asked, state=_state(asked.refund_id))


def _asked(
    top_up_id: str, wanted: Wanted, staff_id: int, request: idempotency.Request, now: datetime
) -> TopUpRefunded:
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, TopUpRefunded)
            if former is not None:
                return former
            top_up = locked(session, top_up_id, None)
            asked = carry_on(
                session,
                top_up,
                wanted,
                terminal_id=None,
                staff_id=staff_id,
                present=True,
                proven=True,
                now=now,
            )
            idempotency.remember(session, request, asked, now)
            return asked
    except IntegrityError as error:
        if "uq_top_up_refunds_one_asked" in str(error.orig):
            raise TopUpRefundUnderWay from error
        raise


def _state(refund_id: str) -> str:
    with reading() as connection:
        found = connection.execute(select(TopUpRefund.state).where(TopUpRefund.id == refund_id))
        return str(found.scalar_one())


# Whoever takes it says so with `tried_at`, and has a minute, which is longer than all its calls may take: one that asks
# must never take the other's question, still on its way, for one that WeChat Pay does not know. Later more seldom.
_TAKE = text("""
    UPDATE top_up_refunds r SET tried_at = :now FROM top_ups t
    WHERE t.id = r.top_up_id AND r.id IN (
        SELECT id FROM top_up_refunds
        WHERE state = 'asked' AND (CAST(:id AS text) IS NULL OR id = :id) AND (tried_at IS NULL OR tried_at <= CAST(
            :now AS timestamptz) - least(greatest(interval '1 minute', (tried_at - asked_at) / 4), interval '1 hour'))
        ORDER BY asked_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING r.id, r.top_up_id, r.amount_fen, r.accepted, t.amount_fen AS total_fen""")


def _taken(now: datetime, refund_id: str | None = None) -> list[Any]:
    with transaction() as session:
        return list(session.execute(_TAKE, {"now": now, "id": refund_id, "limit": _BATCH}))


def _try(pay: WechatPay, refund_id: str, now: datetime) -> None:
    for row in _taken(now, refund_id):
        _settle(pay, row, now)


def _settle(pay: WechatPay, row: Any, now: datetime) -> bool:
    """Ask, and write down what WeChat Pay says; False when it does not say."""
    asking = Asking(
        number=row.top_up_id,
        refund_no=row.id,
        amount_fen=row.amount_fen,
        total_fen=row.total_fen,
        accepted=row.accepted,
        reason=_REASON,
        word="top-up refund",
    )
    return settle(
        pay,
        asking,
        tell=partial(told, now=now),
        note=partial(_note, row.id),
        give_up=partial(_give_up, row.id, now),
    )


def _note(refund_id: str, trouble: str) -> None:
    with transaction() as session:
        refund = _locked(session, refund_id)
        if refund is not None and refund.state == "asked":
            refund.trouble = trouble


def _give_up(refund_id: str, now: datetime) -> None:
    with transaction() as session:
        refund = _locked(session, refund_id)
        if refund is not None and refund.state == "asked":
            top_up = locked(session, refund.top_up_id, None)
            failed(session, refund, top_up, trouble=refund.trouble or "refused", now=now)


def _locked(session: Any, refund_id: str) -> TopUpRefund | None:
    """The top-up's row first, as whoever asks for a refund takes it."""
    top_up_id = select(TopUpRefund.top_up_id).where(TopUpRefund.id == refund_id)
    found = session.execute(top_up_id).scalar_one_or_none()
    if found is None:
        return None
    locked(session, found, None)
    refund: TopUpRefund = session.execute(
        select(TopUpRefund).where(TopUpRefund.id == refund_id).with_for_update()
    ).scalar_one()
    return refund


def told(result: RefundResult, *, now: datetime) -> None:
    """Write down what WeChat Pay says of a refund, however often. Raises `PaymentUnknown`, `PaymentMismatch`."""
    with transaction() as session:
        refund = _locked(session, result.out_refund_no)
        if refund is None:
            log.error("wechat pay: a refund that is not ours")
            raise PaymentUnknown
        top_up = locked(session, refund.top_up_id, None)
        ours = (top_up.id, refund.amount_fen, top_up.amount_fen)
        if (result.out_trade_no, result.amount_fen, result.total_fen) != ours:
            log.error("wechat pay: top-up refund %s is told with another amount", refund.id)
            raise PaymentMismatch
        if refund.state == "asked":
            refund.accepted, refund.trouble = True, None
            _follow(session, refund, top_up, result, now)
        elif refund.state == "failed" and result.state is RefundState.SUCCESS:
            # Not silently: `ledger check` names it until somebody has settled it with the member.
            log.error("wechat pay: top-up refund %s was paid after it had been refused", refund.id)
            refund.paid_at = result.success_at


def _follow(session: Any, refund: TopUpRefund, top_up: Any, result: RefundResult, now: datetime) -> None:
    if result.state is RefundState.SUCCESS:
        done(session, refund, top_up, paid_at=result.success_at or now, now=now)
    elif result.state is RefundState.CLOSED:
        failed(session, refund, top_up, trouble="closed", now=now)
    elif result.state is RefundState.ABNORMAL:
        log.error(
            "wechat pay: top-up refund %s: the payer's account takes no money, see the console", refund.id
        )
        refund.trouble = "abnormal"


def sweep(pay: WechatPay, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Ask about refunds that WeChat Pay has not paid yet; of how many it said how they stand.

    Safe in several workers at once, late, and twice; what is not answered is asked again, with the same number.
    """
    settled = 0
    for row in _taken(now):
        if not keep_going():
            break
        try:
            settled += _settle(pay, row, now)
        except (PaymentMismatch, Busy) as error:
            log.warning("top-up refund %s: %s", row.id, error.code)
    return settled
