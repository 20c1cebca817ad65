"""Sales that a till made without network: it uploads its queue, and each item gets its verdict, once and for ever.

Each item is judged on its own and in a transaction of its own: whoever is killed, or does not get the answer, sends
the same again. As in a sale, a look comes before the write, and whatever must not happen twice has its unique key: who
comes second fails as a whole and looks again (docs/adr/0007).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from app import idempotency, policies
from app.checkout.bill import lines_of
from app.checkout.member_code import CodeIssuer
from app.checkout.offline_buyer import buyer_of, come, take
from app.checkout.offline_item import GUESSES, Item, Reason, Refused, judge, verify
from app.checkout.offline_kept import (
    OVER_THE_TERMINALS_DAY,
    Gap,
    Verdict,
    again,
    check_room,
    judged,
    keep,
    missing,
)
from app.checkout.offline_policy import OfflinePolicy
from app.checkout.record import NO_MEMBER_ANY_MORE, OVER_THE_DAY, Buyer, record
from app.checkout.shift_time import after_the_last
from app.checkout.till_limits import count_uploads
from app.db import Busy, ask, statements, transaction
from app.errors import Forbidden, TooMany
from app.staff.clerks import with_named_clerk
from app.stores.tills import Till
from app.throttle import Limit, Throttle
from scan_codes import Verified

#: Apart from that of live scans: a queue with a wrong clock must not take a shop's scanner away.
FAILURES = Limit("offline_failures", 20, 5 * 60)
#: How often an item looks again because somebody else was faster; each time somebody else got on.
_TRIES = 30
_LOOK_AGAIN = (OVER_THE_DAY, NO_MEMBER_ANY_MORE, OVER_THE_TERMINALS_DAY)


class OfflineNotAllowed(Forbidden):
    """The policy `offline_till` is off. Nothing was judged: the queue can be sent when it is on."""

    code = "offline_not_allowed"


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """A verdict for each item, in their order, and which numbers of this terminal are missing."""

    verdicts: tuple[Verdict, ...]
    missing: tuple[Gap, ...]


def upload(
    *, till: Till, items: Sequence[Item], issuer: CodeIssuer, throttle: Throttle, now: datetime
) -> Uploaded:
    """Judge the items one after the other; what was judged before gets that verdict again, whatever happened since.

    Raises `OfflineNotAllowed`, `TooMany` for too many items or guessed codes at one terminal, `Busy`: what was judged
    until then stays so, and the same items can be sent again.
    """
    count_uploads(till, len(items), throttle)
    with statements() as connection:
        known = judged(connection, till, [item.sequence for item in items])
    policy = policies.standing(OfflinePolicy).value
    if not policy.enabled and any(item.sequence not in known for item in items):
        raise OfflineNotAllowed
    verdicts = []
    for item in items:
        if item.sequence in known:
            verdicts.append(again(item, known[item.sequence]))
        else:
            verdicts.append(_new(till, item, policy, issuer, throttle, now))
    with statements() as connection:
        return Uploaded(verdicts=tuple(verdicts), missing=missing(connection, till))


def _new(
    till: Till, item: Item, policy: OfflinePolicy, issuer: CodeIssuer, throttle: Throttle, now: datetime
) -> Verdict:
    verified: Verified | None = None
    refusal: Reason | None = None
    try:
        judge(item, policy, now)
        if item.scan is not None:
            verified = _verified(till, item, issuer, throttle)
    except Refused as refused:
        refusal = refused.reason
    for _ in range(_TRIES):
        try:
            return _settle(till, item, verified, refusal, policy, now)
        except psycopg.errors.UniqueViolation:
            continue
        except psycopg.errors.CheckViolation as error:
            if error.diag.constraint_name not in _LOOK_AGAIN:
                raise
    raise Busy(retry_after_s=1)


def _verified(till: Till, item: Item, issuer: CodeIssuer, throttle: Throttle) -> Verified:
    """As at a live scan, counting a guess decides as well, and one code counts once however often it is sent.

    Raises `Refused`, `TooMany`.
    """
    assert item.scan is not None
    try:
        verified = verify(item.scan, issuer)
    except Refused as refused:
        if refused.reason in GUESSES:
            asked = hashlib.sha256(f"{item.scan.code} {item.scan.at}".encode()).hexdigest()[:16]
            if throttle.first(FAILURES, till.terminal_id, asked):
                throttle.hit(FAILURES, till.terminal_id)
            elif throttle.used_up(FAILURES, till.terminal_id):
                raise TooMany(retry_after_s=FAILURES.per_s) from None
        raise
    if throttle.used_up(FAILURES, till.terminal_id):
        raise TooMany(retry_after_s=FAILURES.per_s)
    return verified


def _settle(
    till: Till,
    item: Item,
    verified: Verified | None,
    refusal: Reason | None,
    policy: OfflinePolicy,
    now: datetime,
) -> Verdict:
    """The sale and its verdict, or the verdict alone, in one transaction.

    Raises `UniqueViolation` and `CheckViolation` for whatever happened after the look.
    """
    with transaction() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        now = after_the_last(driver, till.terminal_id, now)
        former = judged(driver, till, [item.sequence])
        if former:
            return again(item, former[item.sequence])
        try:
            if refusal is not None:
                raise Refused(refusal)
            verdict = _recorded(driver, till, item, verified, policy, now)
        except Refused as refused:  # before anything was written
            verdict = Verdict(sequence=item.sequence, verdict="refused", reason=refused.reason)
        keep(driver, till, item, verdict, policy, now)
        return verdict


def _recorded(
    driver: psycopg.Connection[Any],
    till: Till,
    item: Item,
    verified: Verified | None,
    policy: OfflinePolicy,
    now: datetime,
) -> Verdict:
    """Raises `Refused`; then nothing was written."""
    till = _with_clerk(driver, till, item)
    receipt = {"store_id": till.store_id, "receipt_no": item.bill.receipt_no}
    if ask(driver, _RECEIPT, receipt):
        raise Refused("receipt_no_used")
    # A till's clock may run ahead a little; a sale is not of the future.
    sold_at, lines = min(item.sold_at, now), lines_of(item.bill)
    buyer: Buyer | None = None
    if verified is not None and item.scan is not None:
        comer = come(driver, till, verified, sold_at)
        buyer = buyer_of(driver, till, comer, lines, sold_at)
        check_room(driver, till, buyer.earning.points, policy, now)
        take(driver, till, item.scan, comer, buyer)
    recorded = record(
        driver,
        till=till,
        bill=item.bill,
        lines=lines,
        buyer=buyer,
        # The row that goes with every sale; it is pruned, the upload's own stays.
        request=idempotency.Request(
            scope=f"offline:{till.terminal_id}", key=str(item.sequence), hash=item.hash
        ),
        now=now,
        sold_at=sold_at,
    )
    return Verdict(
        sequence=item.sequence,
        verdict="recorded",
        sale_id=recorded.sale_id,
        points=recorded.points_earned,
    )


def _with_clerk(driver: psycopg.Connection[Any], till: Till, item: Item) -> Till:
    try:
        return with_named_clerk(driver, till.naming(item.staff_no))
    except Forbidden:
        raise Refused("clerk_not_allowed") from None


_RECEIPT = "SELECT id FROM sales WHERE store_id = %(store_id)s AND receipt_no = %(receipt_no)s"
