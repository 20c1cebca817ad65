"""A clerk scans a member's code, or that of one coupon: from twenty digits to a scan ticket.

The code is judged before the database is asked; one that could never have been taken costs some microseconds. Whether
it was used before is decided by the primary key of `code_uses` (of a coupon's code, of `coupon_code_uses`), in the
statement that writes the ticket. As in a sale, a look without locks comes first (docs/adr/0007).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

import scan_codes
from app import idempotency
from app.checkout import scan_coupon
from app.checkout.member_code import CodeIssuer
from app.checkout.scan_coupon import ScannedCoupon
from app.db import ask, statements
from app.errors import Conflict, DomainError, Gone, Invalid, TooMany
from app.ids import new_secret
from app.pruning import always, forget
from app.staff.clerks import with_named_clerk
from app.stores.tills import Till
from app.throttle import Limit, Throttle
from app.tiers.card import CARD, Card, TierName, card_from, masked_name

#: How long a ticket earns on its terminal: a long checkout must not lose the member their points.
TICKET_LIFE = timedelta(minutes=30)
FAILURES = Limit("scan_failures", 20, 5 * 60)


class CodeMalformed(Invalid):
    code = "code_malformed"


class PaymentCode(Invalid):
    """A WeChat Pay, Alipay or UnionPay code, shown by mistake; it is worth money and never kept."""

    code = "payment_code"


class CodeForged(Invalid):
    code = "code_forged"


class CodeNotYet(Invalid):
    code = "code_not_yet"


class CodeExpired(Gone):
    code = "code_expired"


class CodeRevoked(Gone):
    code = "code_revoked"


class CodeReplayed(Conflict):
    """Somebody was here with this code before."""

    code = "code_replayed"


class MemberFrozen(Conflict):
    code = "member_not_active"


_REFUSALS: dict[type[scan_codes.ScanCodeError], type[DomainError]] = {
    scan_codes.CodeMalformed: CodeMalformed,
    scan_codes.PaymentCode: PaymentCode,
    scan_codes.CodeForged: CodeForged,
    scan_codes.CodeNotYet: CodeNotYet,
    scan_codes.CodeExpired: CodeExpired,
    scan_codes.CodeRevoked: CodeRevoked,
}
#: A code that was taken looks like this later: minutes after (expired), longer after (forged, since the look back
#: ends), or after its key was withdrawn.
_PERHAPS_TAKEN_BEFORE = (scan_codes.CodeExpired, scan_codes.CodeForged, scan_codes.CodeRevoked)
#: What counts towards the lock of a terminal: what guessing brings about. An old screen, a screenshot, a lost answer
#: and a mistyped or foreign code are not guesses: they must not take a shop's till away.
_GUESSES = (CodeForged, CodeNotYet)


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a clerk may know: a masked name, the tier, what there is to spend. The ticket stands for the member.

    Of a `coupon` whose own code was scanned it stands for that coupon; there is nothing else to spend (None).
    """

    ticket: str
    expires_at: datetime
    name: str
    tier: TierName
    points: int | None
    balance_fen: int | None
    coupon: ScannedCoupon | None = None


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """Of which kind a code is by its first digits: the keys that prove it, and the statements that take it."""

    ring: scan_codes.KeyRing
    prefix: str
    look: str
    take: str
    of_coupon: bool = False


def _kind_of(code: str, issuer: CodeIssuer) -> _Kind:
    coupons = issuer.coupons
    if scan_codes.begins_with(code, coupons.prefix):
        return _Kind(
            ring=coupons.ring,
            prefix=coupons.prefix,
            look=scan_coupon.LOOK,
            take=scan_coupon.TAKE,
            of_coupon=True,
        )
    return _Kind(ring=issuer.ring, prefix=issuer.prefix, look=_LOOK, take=_TAKE)


def scan(
    *,
    till: Till,
    code: str,
    request: idempotency.Request,
    issuer: CodeIssuer,
    throttle: Throttle,
    now: datetime,
) -> Scanned:
    """Take a code at a till; the same key gives the same ticket again, even after the code has expired.

    Raises the refusals above, `CouponNotRedeemable` for the code of a coupon that is not good now, `TooMany` after too
    many guessed codes at one terminal, `KeyReused`, `Busy`, `Forbidden` for a clerk who may not sell there.
    """
    try:
        return _scan(till, code, request, issuer, throttle, now)
    except _GUESSES:
        _count(throttle, till, code)
        raise


def _count(throttle: Throttle, till: Till, code: str) -> None:
    """Counting decides as well: of any number at once, no more than the limit learn that they guessed wrong.

    One code counts once however often it is shown: an old picture before a scanner that never rests is no guessing.
    """
    if throttle.first(FAILURES, till.terminal_id, hashlib.sha256(code.encode()).hexdigest()[:16]):
        throttle.hit(FAILURES, till.terminal_id)
    elif throttle.used_up(FAILURES, till.terminal_id):
        raise TooMany(retry_after_s=FAILURES.per_s)


def _scan(
    till: Till,
    code: str,
    request: idempotency.Request,
    issuer: CodeIssuer,
    throttle: Throttle,
    now: datetime,
) -> Scanned:
    verified: scan_codes.Verified | None = None
    refusal: type[DomainError] = CodeExpired
    kind = _kind_of(code, issuer)
    try:
        verified = scan_codes.verify(kind.ring, code, scan_codes.step_of(now), prefix=kind.prefix)
    except _PERHAPS_TAKEN_BEFORE as error:
        # It may be the second try of a scan whose answer was lost: only the key's row knows.
        refusal = _REFUSALS[type(error)]
    except scan_codes.ScanCodeError as error:
        raise _REFUSALS[type(error)] from None
    # Asked after judging, so that the wrong guesses of the same moment have counted or will be refused; told only
    # once it is known that the key has no answer yet. A forged code asks by counting itself.
    locked = refusal is not CodeForged and throttle.used_up(FAILURES, till.terminal_id)
    with statements() as connection:
        former, row = _look(connection, kind, verified, request, now)
        if former is not None:
            return former
        till = with_named_clerk(connection, till)
        if locked:
            raise TooMany(retry_after_s=FAILURES.per_s)
        if verified is None:
            raise refusal
        card = _judged(row, verified)
        scanned = _scanned(card, scan_coupon.coupon_in(row, now) if kind.of_coupon else None, now)
        if _take(connection, kind, verified, card.member_id, till, scanned, request, now):
            return scanned
        # Somebody was faster. If it was a twin of this very request, its answer is ours.
        former, _ = _look(connection, kind, verified, request, now)
        if former is None:
            raise CodeReplayed
        return former


# The key and the member's card in one trip, without locks.
_LOOK = f"""
    SELECT f.request_hash, f.answer, c.* FROM (SELECT) one
    LEFT JOIN ({idempotency.FORMER}) f ON true LEFT JOIN ({CARD}) c ON true"""  # noqa: S608  # constants of our own


def _look(
    connection: psycopg.Connection[Any],
    kind: _Kind,
    verified: scan_codes.Verified | None,
    request: idempotency.Request,
    now: datetime,
) -> tuple[Scanned | None, Any]:
    """The answer of a former try, which may be missing, and a row with the card of whoever the code is of."""
    number = verified.member_no if verified else None
    values = idempotency.claim_values(request) | {"member_id": number, "number": number, "now": now}
    [row] = ask(connection, kind.look, values)
    return idempotency.former(request, row.request_hash, row.answer, Scanned), row


def _judged(row: Any, verified: scan_codes.Verified) -> Card:
    if row.member_id is None:
        raise CodeForged
    card = card_from(row)
    if verified.step < card.codes_valid_from_step:
        raise CodeRevoked
    if card.status != "active":
        raise MemberFrozen
    return card


# The code's use, the ticket and the key's answer: one statement, one transaction. Nothing follows from a code that was
# used before; whoever is using it at this moment is waited for.
_TAKE = """
    WITH use AS (
        INSERT INTO code_uses (member_id, step, terminal_id, used_at)
        VALUES (%(member_id)s, %(step)s, %(terminal_id)s, %(now)s) ON CONFLICT DO NOTHING RETURNING member_id),
    ticket AS (
        INSERT INTO scan_tickets (id, member_id, terminal_id, staff_id, created_at, expires_at)
        SELECT %(ticket)s, member_id, %(terminal_id)s, %(staff_id)s::bigint, %(now)s, %(expires_at)s FROM use),
    answer AS (
        INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
        SELECT %(scope)s, %(key)s, %(request_hash)s, %(answer)s, %(now)s FROM use)
    SELECT member_id FROM use"""


def _take(
    connection: psycopg.Connection[Any],
    kind: _Kind,
    verified: scan_codes.Verified,
    member_id: int,
    till: Till,
    scanned: Scanned,
    request: idempotency.Request,
    now: datetime,
) -> bool:
    """Whether the code and the key were still free."""
    values = idempotency.answer_values(request, scanned, now) | {
        "member_id": member_id,
        "number": verified.member_no,
        "step": verified.step,
        "terminal_id": till.terminal_id,
        "staff_id": till.staff_id,
        "ticket": scanned.ticket,
        "expires_at": scanned.expires_at,
    }
    try:
        return bool(ask(connection, kind.take, values))
    except psycopg.errors.UniqueViolation:
        return False


def _scanned(card: Card, coupon: ScannedCoupon | None, now: datetime) -> Scanned:
    return Scanned(
        ticket=new_secret(),
        expires_at=now + TICKET_LIFE,
        name=masked_name(card.name),
        tier=card.tier,
        points=None if coupon else card.points,
        balance_fen=None if coupon else card.balance_fen,
        coupon=coupon,
    )


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget tickets, then the uses of their codes; how many tickets.

    In this order: a use proves its ticket, and whoever recounts the books may look between the two.
    """
    tickets = forget("scan_tickets", "expires_at", before=before + TICKET_LIFE, keep_going=keep_going)
    for uses in ("code_uses", "coupon_code_uses"):
        forget(uses, "used_at", before=before, keep_going=keep_going)
    return tickets
