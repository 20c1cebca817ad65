"""One item of a till's queue, and what can be said about it before the database is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import scan_codes
from app.checkout.bill import Bill, LinesDoNotSum, lines_of
from app.checkout.member_code import CodeIssuer
from app.checkout.offline_policy import OfflinePolicy
from app.checkout.scan import TICKET_LIFE
from scan_codes import Verified

Reason = Literal[
    "sequence_reused",
    "too_old",
    "from_the_future",
    "sold_outside_scan",
    "lines_do_not_sum",
    "amount_too_large",
    "points_of_day_used_up",
    "receipt_no_used",
    "clerk_not_allowed",
    "code_malformed",
    "payment_code",
    "code_forged",
    "code_not_of_that_time",
    "code_revoked",
    "code_replayed",
    "member_not_active",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

#: How far a till's clock may be ahead of ours.
CLOCK_SKEW = timedelta(minutes=2)

_CODE_REASONS: dict[type[scan_codes.ScanCodeError], Reason] = {
    scan_codes.CodeMalformed: "code_malformed",
    scan_codes.PaymentCode: "payment_code",
    scan_codes.CodeForged: "code_forged",
    scan_codes.CodeNotYet: "code_not_of_that_time",
    scan_codes.CodeExpired: "code_not_of_that_time",
    scan_codes.CodeRevoked: "code_revoked",
}
#: What guessing brings about. Unlike at a live scan, a genuine code of another time is one: whoever chooses
#: `scanned_at` could try the times around it next.
GUESSES: frozenset[Reason] = frozenset(("code_forged", "code_not_of_that_time"))


class Refused(Exception):
    """The item has no effect, for good, and this is why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The digits as they were scanned, and when, by the till's clock."""

    code: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sale as the till queued it, under its own number; `hash` is over all that it says. Without scan: no member."""

    sequence: int
    hash: bytes
    sold_at: datetime
    scan: Scan | None
    bill: Bill
    staff_no: str | None


def judge(item: Item, policy: OfflinePolicy, now: datetime) -> None:
    """What the times and amounts of the item say by themselves. Raises `Refused`."""
    moments = [item.sold_at] if item.scan is None else [item.sold_at, item.scan.at]
    if max(moments) > now + CLOCK_SKEW:
        raise Refused("from_the_future")
    if min(moments) < now - timedelta(hours=policy.most_age_hours):
        raise Refused("too_old")
    try:
        lines_of(item.bill)
    except LinesDoNotSum:
        raise Refused("lines_do_not_sum") from None
    if item.scan is None:
        return
    if not item.scan.at <= item.sold_at < item.scan.at + TICKET_LIFE:
        raise Refused("sold_outside_scan")
    if item.bill.amount_fen > policy.most_fen:
        raise Refused("amount_too_large")


def verify(scan: Scan, issuer: CodeIssuer) -> Verified:
    """Whose code it is, if it was good when it was scanned. Raises `Refused`.

    The till says when that was, and the code proves it to the window: asking for one time only is what keeps a guess
    as hopeless as at a live scan. Keys are those of now: one that was withdrawn since may have leaked.
    """
    try:
        return scan_codes.verify(issuer.ring, scan.code, scan_codes.step_of(scan.at), prefix=issuer.prefix)
    except scan_codes.ScanCodeError as error:
        raise Refused(_CODE_REASONS[type(error)]) from None
