"""A chain to measure with: tills, members with points in their books, tickets in hand, and requests that use them.

Stores, tills and rules are made through the product's own doors; members, sessions and tickets in bulk, because
thousands of them one by one would take longer than the benchmark.
"""

import hashlib
import itertools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, text

import scan_codes
from app import clock, db
from app.audit import OPERATOR
from app.points.change import set_rule
from app.stores import setup
from bench.requests import TICKET, Operation, request
from scan_codes import KeyRing

#: So many that no till asks more often than one may (app/checkout/till_limits.py).
TILLS = 32
LOTS_EACH = 3
#: What the first line of a bill costs, in turn: small bills, usual ones, and one too large for 16 bits.
PRICES_FEN = (1_980, 5_980, 29_800, 128_800)
AMOUNT_FEN, POINTS = 8_560, 85  # of the reference: the usual bill


def lines_of(price_fen: int) -> list[dict[str, object]]:
    return [
        {"sku": "6901234567892", "name": "有机纯牛奶 250ml×12", "quantity": 1, "unit_price_fen": price_fen},
        {"sku": "6909876543219", "name": "全麦吐司面包", "quantity": 2, "unit_price_fen": 1_290},
    ]


@dataclass(frozen=True, kw_only=True)
class Stock:
    """`secret` is what bearer tokens and tickets are derived from; member ids run from 1 to `members`."""

    store_id: int
    terminal_ids: tuple[int, ...]
    rule_id: int
    members: int
    tickets: int
    keys: tuple[str, ...] = field(repr=False)
    secret: str = field(repr=False)

    def token(self, member_id: int) -> str:
        return f"{self.secret}-{member_id}"

    def ticket(self, number: int) -> str:
        return hashlib.sha256(f"{self.secret}/{number}".encode()).hexdigest()[: len(TICKET)]


_MEMBERS = """
    INSERT INTO members (public_id, member_no, name, joined_at)
    SELECT 'B' || lpad(n::text, 25, '0'), lpad(n::text, 10, '0'), '张三丰', :now FROM generate_series(1, :members) n"""
_SESSIONS = """
    INSERT INTO member_sessions (token_hash, member_id, created_at, expires_at)
    SELECT sha256(convert_to(:secret || '-' || n, 'UTF8')), n, :now, CAST(:now AS timestamptz) + interval '1 day'
    FROM generate_series(1, :members) n"""
_POINTS = """
    SELECT count(*) FROM generate_series(1, :members) n, generate_series(1, :lots) lot, LATERAL ledger_post(
        'earn', 'bench', n || '-' || lot, 0, :store, :terminal, NULL, :rule, NULL, NULL, :now, :day,
        jsonb_build_array(jsonb_build_object('member_id', n, 'unit', 'points', 'amount', 100, 'house', 'points_issued',
            'expires_at', CAST(:now AS timestamptz) + lot * interval '20 days')))"""
# Scanned in waves, one for each code's step and all of them some minutes ago: the codes of today are still unused.
# Tickets from number `first_ticket` on, of members from `first_member` on in turn.
_CODE_USES = """
    INSERT INTO code_uses (member_id, step, terminal_id, used_at)
    SELECT :first_member + n % :members, :step - n / :members, (CAST(:terminals AS bigint[]))[1 + n % :tills],
        to_timestamp((:step - n / :members) * :step_s)
    FROM generate_series(0, :tickets - 1) n"""
_TICKETS = """
    INSERT INTO scan_tickets (id, member_id, terminal_id, created_at, expires_at)
    SELECT left(encode(sha256(convert_to(:secret || '/' || :first_ticket + n, 'UTF8')), 'hex'), 43),
        :first_member + n % :members, (CAST(:terminals AS bigint[]))[1 + n % :tills], at, at + interval '30 minutes'
    FROM generate_series(0, :tickets - 1) n,
        LATERAL (SELECT to_timestamp((:step - n / :members) * :step_s) AS at) scanned"""
SCANNED = (_CODE_USES, _TICKETS)


# Yesterday's bills of people who are no members. A table that was empty when its statement was planned is read from
# end to end ever after: no shop that has been open for a day is like that.
_SALES = """
    INSERT INTO sales (id, store_id, terminal_id, receipt_no, amount_fen, points_earned, occurred_at, business_date)
    SELECT 'H' || lpad(n::text, 25, '0'), :store, :terminal, 'H' || n, 100, 0,
        CAST(:now AS timestamptz) - interval '1 day', CAST(:day AS date) - 1
    FROM generate_series(1, :history) n"""
_LINES = """
    INSERT INTO sale_lines (sale_id, line_no, sku, name, quantity, unit_price_fen, points_earned)
    SELECT id, 1, '', '', 1, 100, 0 FROM sales"""
_KEYS = """
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    SELECT 'terminal:' || terminal_id, id, sha256(id::bytea), '{}', occurred_at FROM sales"""
_FACTS = """
    INSERT INTO facts (kind, subject, payload, created_at, handled_at)
    SELECT 'member_joined', public_id, '{}', :now, :now FROM members"""
HISTORY = 10_000
_STEPS_AGO = 6
_ROWS = (_MEMBERS, _SESSIONS, _POINTS, *SCANNED, _SALES, _LINES, _KEYS, _FACTS)


def lay_in(engine: Engine, *, members: int, tickets: int) -> Stock:
    """Fill an empty, migrated database; the tickets earn for some twenty minutes."""
    db.bind(engine)
    now = clock.now()
    setup.open_store(code="B001", name="中山路店", time_zone="Asia/Shanghai", actor=OPERATOR, now=now)
    keys = tuple(_add_till(f"T{number}") for number in range(TILLS))
    rule_id = set_rule(
        store_id=None, rate_bp=10_000, lifetime_days=365, effective_from=now, actor=OPERATOR, now=now
    )
    secret = secrets.token_hex(16)
    with in_bulk(engine) as connection:
        store_id: int = connection.execute(text("SELECT id FROM stores")).scalar_one()
        terminal_ids = tuple(connection.execute(text("SELECT id FROM terminals ORDER BY id")).scalars())
        facts = {"now": now, "day": now.date(), "secret": secret, "store": store_id, "rule": rule_id}
        facts |= {"members": members, "lots": LOTS_EACH, "history": HISTORY, "terminal": terminal_ids[0]}
        facts |= scanned_facts(terminal_ids, first_member=1, first_ticket=0, tickets=tickets, now=now)
        for statement in _ROWS:
            connection.execute(text(statement), facts)
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    return Stock(
        store_id=store_id,
        terminal_ids=terminal_ids,
        rule_id=rule_id,
        members=members,
        tickets=tickets,
        keys=keys,
        secret=secret,
    )


@contextmanager
def in_bulk(engine: Engine) -> Iterator[Connection]:
    """A connection that commits each statement and waits for it as long as it takes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        yield connection
        connection.execute(text("RESET statement_timeout"))


def scanned_facts(
    terminal_ids: Sequence[int], *, first_member: int, first_ticket: int, tickets: int, now: datetime
) -> dict[str, object]:
    """What the statements of `SCANNED` need, but for the secret and the number of members."""
    return {
        "terminals": list(terminal_ids),
        "tills": TILLS,
        "first_member": first_member,
        "first_ticket": first_ticket,
        "tickets": tickets,
        "step": scan_codes.step_of(now) - _STEPS_AGO,
        "step_s": scan_codes.STEP_S,
    }


def _add_till(code: str) -> str:
    now = clock.now()
    setup.add_terminal(store_code="B001", code=code, name=code, actor=OPERATOR, now=now)
    return setup.create_api_key(store_code="B001", terminal_code=code, name=code, actor=OPERATOR, now=now).key


class Requests:
    """Hands out operations that were never sent before: each ticket, code, key and receipt number serves once."""

    def __init__(self, stock: Stock, ring: KeyRing, prefix: str) -> None:
        self._stock, self._ring, self._prefix = stock, ring, prefix
        self._receipts = itertools.count()
        self._next_ticket = 0
        self._next_member = 0

    def balances(self) -> list[Operation]:
        members = range(1, self._stock.members + 1)
        return [(request("GET", "/api/v1/me/points", token=self._stock.token(one)),) for one in members]

    def sales(self, count: int) -> list[Operation]:
        """At most `count`: as many as there are tickets left."""
        first = self._next_ticket
        self._next_ticket = min(first + count, self._stock.tickets)
        return [
            (self._sale(number % TILLS, self._stock.ticket(number)),)
            for number in range(first, self._next_ticket)
        ]

    def scans_and_sales(self, count: int) -> list[Operation]:
        """With codes of this moment: to be sent within the minute. At most one for each member."""
        return list(itertools.islice(self._scans_and_sales(), min(count, self._stock.members)))

    def _scans_and_sales(self) -> Iterator[Operation]:
        step = scan_codes.step_of(clock.now())
        while True:
            member_id, till = 1 + self._next_member % self._stock.members, self._next_member % TILLS
            self._next_member += 1
            code = scan_codes.issue(self._ring, member_id, step, prefix=self._prefix)
            scan = request(
                "POST",
                "/pos/v1/scans",
                token=self._stock.keys[till],
                key=f"scan-{self._next_member}",
                body={"code": code},
            )
            yield scan, self._sale(till, TICKET.decode())

    def _sale(self, till: int, ticket: str) -> bytes:
        number = next(self._receipts)
        price_fen = PRICES_FEN[number % len(PRICES_FEN)]
        return request(
            "POST",
            "/pos/v1/sales",
            token=self._stock.keys[till],
            key=f"sale-{number}",
            body={
                "ticket": ticket,
                "receipt_no": f"B{number:08}",
                "amount_fen": price_fen + 2 * 1_290,
                "lines": lines_of(price_fen),
            },
        )


def reference_variables(stock: Stock, run: int) -> dict[str, object]:
    """What bench/sale_reference.sql needs to write the very rows of such a sale; `run` keeps its numbers apart."""
    points_2 = POINTS * 2 * 1_290 // AMOUNT_FEN
    part = (
        f'{{"rule_id":{stock.rule_id},"rule_no":1,"version":1,"kind":"base","points":{POINTS},'
        f'"amount_fen":{AMOUNT_FEN},"value":10000,"cap":""'
    )
    names = ',"name_zh":"消费积分","name_en":"Points for purchases"'
    variables: dict[str, object] = {
        "n": 0,
        "run": run,
        "members": stock.members,
        "store": stock.store_id,
        "terminal": stock.terminal_ids[0],
        "rule": stock.rule_id,
        "earned": f"[{part}}}]",
        "amount_fen": AMOUNT_FEN,
        "points": POINTS,
        "points_1": POINTS - points_2,
        "points_2": points_2,
        "scope": f"terminal:{stock.terminal_ids[0]}",
        "hash": "\\x" + "00" * 32,
        "answer_head": '{"sale_id":"01REFRNC',
        "answer_tail": '","receipt_no":"R100000000000000001","amount_fen":8560,"points_earned":85,'
        '"points_after":385,"business_date":"2026-01-01","occurred_at":"2026-01-01T00:00:00.000000Z",'
        f'"available_at":null,"earned":[{part}{names}}}]}}',
        "payload": '{"store_id":1,"amount_fen":8560,"points_earned":85,"points_after":385,'
        '"pending":0,"pending_from":null}',
    }
    for place, line in enumerate(lines_of(5_980), 1):
        variables[f"sku_{place}"] = line["sku"]
        variables[f"name_{place}"] = line["name"]
        variables[f"quantity_{place}"] = line["quantity"]
        variables[f"price_{place}"] = line["unit_price_fen"]
    return variables
