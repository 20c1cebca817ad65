"""A quote: what a bill comes to for the member with the ticket, before anything is done. Good for some minutes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from app import policies
from app.checkout.bill import Line
from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.pricing import Purse, RoundingPolicy, Terms, Wishes, price
from app.checkout.quote_coupons import coupons_at_till
from app.checkout.quoted import Confirmation, Priced, Quoted
from app.checkout.sale import TAKEN, check_ticket, points_by_rule
from app.clock import business_date
from app.coupons import faces
from app.coupons.offered import held_of
from app.db import ask, statements
from app.discounts import loaded as discounts
from app.discounts.asks import TierWords
from app.discounts.benefit import Benefit
from app.discounts.offered import benefits_of
from app.errors import NotFound
from app.ids import new_id
from app.points import loaded as rules
from app.points.fitting import MemberFacts, StoreFacts
from app.points.pay import PointsPaymentPolicy
from app.pruning import always, forget
from app.staff.clerks import with_named_clerk
from app.stored_value.policy import StoredValuePolicy
from app.stores.tills import TILL, Till, confirmed
from app.typed import read

#: Long enough to tell the member and to take the money; what it promises holds so long, whatever is changed meanwhile.
QUOTE_LIFE = timedelta(minutes=5)
#: For so long what a member spent unasked counts towards asking them.
_RECENT = timedelta(hours=24)

_POLICIES = (PointsPaymentPolicy, RoundingPolicy, StoredValuePolicy)


def quote(*, till: Till, ticket: str | None, lines: Sequence[Line], wishes: Wishes, now: datetime) -> Quoted:
    """Work out what is to be paid, and keep it so that a sale can take it as it stands.

    Who was found by phone earns, and has no benefits; of whom only a coupon's own code was scanned, no other coupon and
    no value of their own. Raises `TicketUnknown`, `TicketExpired`, `TicketUsed`,
    `TicketEarnsOnly`, `BenefitNotApplicable` for one of the chosen, `Unauthenticated`, `Forbidden` for a clerk who may
    not sell there.
    """
    with statements() as connection:
        found = _look(connection, till, ticket, now)
        till = with_named_clerk(connection, found.till)
        buyer = _buyer(found.row, till, ticket, wishes, now)
        store = StoreFacts(id=till.store_id, time_zone=till.time_zone)
        terms = _terms(connection, found.row, now)
        coupons = coupons_at_till(connection, found.row, buyer, store, wishes, now)
        priced = price(
            lines,
            benefits=[*_rules(connection, found.row, buyer, store, now), *coupons.benefits],
            coupons=coupons.quoted,
            member=buyer,
            store=store,
            purse=_purse(found.row, buyer),
            terms=terms,
            wishes=wishes,
            at=now,
            tiers=_tiers(found.row),
        )
        return _keep(
            connection,
            till,
            ticket,
            found.row.member_id,
            priced,
            _asks(terms, priced, found.row.unasked_fen),
            now,
        )


# The till, the ticket with its member and what they hold, coupons too, the rules and policies, and what rules with a
# daily limit gave today: in one trip.
_LOOK = f"""
    SELECT here.*, k.member_id, k.expires_at, k.staff_id, k.terminal_id AS of_terminal_id, k.found_by, k.coupon_id,
        m.status, m.birthday,
        t.code AS tier, s.id IS NOT NULL AS used, {rules.STAMP} AS stamp, {discounts.STAMP} AS discount_stamp,
        {policies.SEVERAL} AS policies, held.points, held.principal, held.bonus, recent.unasked_fen,
        ({TAKEN}k.member_id) AS taken, {faces.STAMP} AS face_stamp, {held_of("m.id")} AS coupons,
        (SELECT json_agg(json_build_array(code, name_zh, name_en) ORDER BY id) FROM tiers) AS tiers
    FROM (SELECT) one
    LEFT JOIN ({TILL}) here ON true
    LEFT JOIN scan_tickets k ON k.id = %(ticket)s
    LEFT JOIN members m ON m.id = k.member_id
    LEFT JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN sales s ON s.ticket_id = k.id
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'points'), 0)::bigint AS points,
            coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'principal_fen'), 0)::bigint AS principal,
            coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'bonus_fen'), 0)::bigint AS bonus
        FROM ledger_accounts a JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        WHERE a.member_id = m.id AND l.available_at <= %(now)s AND (l.expires_at IS NULL OR l.expires_at > %(now)s)
    ) held ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(visit.fen), 0)::bigint AS unasked_fen FROM (
            SELECT max(q.own_fen) AS fen FROM quotes q
            WHERE q.member_id = m.id AND q.confirmation = 'none' AND q.own_fen > 0 AND q.created_at > %(recent)s
                AND q.ticket_id <> %(ticket)s AND (q.used_at IS NOT NULL OR q.expires_at > %(now)s)
            GROUP BY q.ticket_id) visit
    ) recent ON true"""  # noqa: S608  # constants of our own


@dataclass(frozen=True, kw_only=True)
class _Found:
    till: Till
    row: Any


def _look(connection: psycopg.Connection[Any], till: Till, ticket: str | None, now: datetime) -> _Found:
    values = {
        "till_key": till.key_hash,
        "ticket": ticket,
        "now": now,
        "day": business_date(now, till.time_zone),
        "recent": now - _RECENT,
        "policies": [kind.NAME for kind in _POLICIES],
    }
    [row] = ask(connection, _LOOK, values)
    return _Found(till=confirmed(till, row), row=row)


def _buyer(row: Any, till: Till, ticket: str | None, wishes: Wishes, now: datetime) -> MemberFacts | None:
    if ticket is None:
        return None
    check_ticket(row, till, now)
    if row.found_by != "code" and (wishes.points or wishes.balance_fen):
        raise TicketEarnsOnly
    if row.found_by == "phone" and wishes.benefits:
        raise TicketEarnsOnly
    return MemberFacts(tier=row.tier, birthday=row.birthday)


def _rules(
    connection: psycopg.Connection[Any], row: Any, buyer: MemberFacts | None, store: StoreFacts, now: datetime
) -> list[Benefit]:
    if buyer is not None and row.found_by == "phone":
        return []
    held = discounts.discounts_at(connection, row.discount_stamp).in_force(now)
    return benefits_of(held, buyer, store, now, balance_fen=_purse(row, buyer).balance_fen)


def _purse(row: Any, buyer: MemberFacts | None) -> Purse:
    if buyer is None or row.found_by != "code":
        return Purse()
    return Purse(points=row.points, principal_fen=row.principal, bonus_fen=row.bonus)


def _terms(connection: psycopg.Connection[Any], row: Any, now: datetime) -> Terms:
    found = policies.Several(row.policies)
    return Terms(
        earning=rules.rules_at(connection, row.stamp).in_force(now),
        paying=found[PointsPaymentPolicy].value,
        rounding=found[RoundingPolicy].value,
        stored_value=found[StoredValuePolicy].value,
        versions={
            "earning_rules": row.stamp,
            "discounts": row.discount_stamp,
            "coupon_faces": row.face_stamp,
            **{kind.NAME: found[kind].version for kind in _POLICIES},
        },
        taken=points_by_rule(row.taken),
    )


def _tiers(row: Any) -> dict[str, TierWords]:
    """How tiers are called, for benefits that are for others than this member."""
    return {code: TierWords(zh=zh, en=en) for code, zh, en in row.tiers}


def _asks(terms: Terms, priced: Priced, unasked_fen: int) -> Confirmation:
    """Above what the policy says the member must agree on the phone.

    Many small spendings are a large one: what was spent unasked of late counts, and what other visits may still spend
    by quotes that are open.
    """
    alone_fen = terms.stored_value.confirm_above_fen
    if alone_fen is None or not priced.own_fen or unasked_fen + priced.own_fen <= alone_fen:
        return "none"
    return "pending"


_KEEP = """
    INSERT INTO quotes (id, store_id, terminal_id, staff_id, ticket_id, member_id, stored_value_fen, own_fen, priced,
        created_at, expires_at, confirmation)
    VALUES (%(id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s, %(ticket)s, %(member_id)s, %(fen)s, %(own_fen)s,
        %(priced)s::jsonb, %(now)s, %(expires_at)s, %(confirmation)s)"""


def _keep(
    connection: psycopg.Connection[Any],
    till: Till,
    ticket: str | None,
    member_id: int | None,
    priced: Priced,
    confirmation: Confirmation,
    now: datetime,
) -> Quoted:
    quoted = Quoted(
        quote_id=new_id(now),
        created_at=now,
        expires_at=now + QUOTE_LIFE,
        confirmation=confirmation,
        priced=priced,
    )
    values = {
        "id": quoted.quote_id,
        "store_id": till.store_id,
        "terminal_id": till.terminal_id,
        "staff_id": till.staff_id,
        "ticket": ticket,
        "member_id": member_id,
        "fen": priced.balance.amount_fen,
        "own_fen": priced.own_fen,
        "priced": msgspec.json.encode(priced).decode(),
        "now": now,
        "expires_at": quoted.expires_at,
        "confirmation": confirmation,
    }
    ask(connection, _KEEP, values)
    return quoted


_SHOW = """
    SELECT q.*, s.id AS sale_id, CAST(q.priced AS text) AS kept FROM quotes q LEFT JOIN sales s ON s.quote_id = q.id
    WHERE q.id = %(id)s AND q.terminal_id = %(terminal_id)s"""


def show_quote(*, till: Till, quote_id: str) -> Quoted:
    """A quote of this terminal, for whoever waits for the member's word. Raises `NotFound`."""
    with statements() as connection:
        found = ask(connection, _SHOW, {"id": quote_id, "terminal_id": till.terminal_id})
    if not found:
        raise NotFound
    [row] = found
    return Quoted(
        quote_id=row.id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        confirmation=row.confirmation,
        priced=read(row.kept, Priced),
        sale_id=row.sale_id,
    )


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget quotes that ended before `before`; how many. What a sale took of one stands with the sale."""
    return forget("quotes", "expires_at", before=before, keep_going=keep_going)
