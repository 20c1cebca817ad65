"""Members with something to spend, coupons too, quotes in hand, and requests that ask for quotes and take them.

Rules and policies are made through the product's own doors, and so are the quotes of which those in hand are copies:
what a sale reads is what the product wrote. Members, their value and their tickets are laid in in bulk.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, Engine, text

from app import clock, db, policies
from app.audit import OPERATOR
from app.checkout.bill import Line
from app.checkout.pricing import Wishes
from app.checkout.quote import QUOTE_LIFE, quote
from app.checkout.quoted import Quoted
from app.coupons.offered import key_of
from app.points.pay import PointsPaymentPolicy
from app.stores.tills import till_of_key
from bench import coupons, discounts
from bench.requests import Operation, request
from bench.stock import PRICES_FEN, SCANNED, TILLS, Stock, in_bulk, lines_of, scanned_facts

#: Of a quote that is asked for.
LINES = 20
#: What the member wants to spend of each.
POINTS, BALANCE_FEN = 100, 2_000
#: What each may: enough for a run, and no more than the law lets an account hold.
PURSE = {"bonus_fen": 100_000, "points": 50_000, "principal_fen": 400_000}
_HOUSES = {"bonus_fen": "bonus_issued", "points": "points_issued", "principal_fen": "principal_taken_in"}
_ENDING = {"bonus_fen": timedelta(days=90), "points": timedelta(days=10)}
_CATEGORIES = ("乳品", "烘焙")


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Buyers, members from `first_member` on, with three lots each from `first_lot` on, by unit; their tickets.

    `kept` are quotes of this shop, one for each of `PRICES_FEN`: those in hand are copies. Each uses one coupon of the
    template `coupon_template`, `kept_coupons`, and so do the copies, each its own.
    """

    stock: Stock = field(repr=False)
    first_member: int
    buyers: int
    first_lot: int
    first_ticket: int
    tickets: int
    kept: tuple[Quoted, ...] = field(repr=False)
    kept_coupons: tuple[str, ...] = field(repr=False)
    coupon_template: str

    def ticket(self, number: int) -> str:
        return self.stock.ticket(self.first_ticket + number)


_TIERS = """
    INSERT INTO tiers (id, code, name_zh, name_en)
    SELECT 1 + n, code, code, code FROM unnest(CAST(:tiers AS text[])) WITH ORDINALITY t (code, n)"""
_BUYERS = """
    INSERT INTO members (public_id, member_no, name, joined_at, tier_id)
    SELECT 'B' || lpad(n::text, 25, '0'), lpad(n::text, 10, '0'), '李四光', :now,
        (SELECT id FROM tiers WHERE code = :tier)
    FROM generate_series(:first_member, :first_member + :members - 1) n"""
_PURSES = """
    SELECT count(*) FROM generate_series(:first_member, :first_member + :members - 1) n, LATERAL ledger_post(
        'adjust', 'bench', 'purse-' || n, 0, :store, :terminal, NULL, NULL, NULL, NULL, :now, :day,
        (SELECT jsonb_agg(purse || jsonb_build_object('member_id', n))
            FROM jsonb_array_elements(CAST(:purse AS jsonb)) purse))"""
# The reference takes from lots without looking for them: they must be where it expects them.
_FIRST_LOT = """
    SELECT min(l.id) FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id
    WHERE a.member_id = :first_member"""
_ELSEWHERE = """
    SELECT count(*) FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id
    WHERE a.member_id >= :first_member AND l.id <> :first_lot + 3 * (a.member_id - :first_member)
        + array_position(ARRAY['bonus_fen', 'points', 'principal_fen'], a.unit::text) - 1"""


def lay_in(engine: Engine, stock: Stock, *, buyers: int, tickets: int) -> Shelf:
    """Add to what `bench.stock.lay_in` laid in; the tickets earn for some twenty minutes."""
    db.bind(engine)
    with engine.begin() as connection:
        connection.execute(text(_TIERS), {"tiers": list(discounts.TIERS)})
    discounts.add_rules()
    now = clock.now()
    templates = coupons.add_templates(now)
    policies.change(
        kind=PointsPaymentPolicy, value={"points_per_yuan": 100}, version=0, actor=OPERATOR, now=now
    )
    first_member, first_ticket = stock.members + 1, stock.tickets
    purse = [
        {"unit": unit, "amount": amount, "house": _HOUSES[unit]}
        | ({"expires_at": now + _ENDING[unit]} if unit in _ENDING else {})
        for unit, amount in PURSE.items()
    ]
    facts = scanned_facts(
        stock.terminal_ids, first_member=first_member, first_ticket=first_ticket, tickets=tickets, now=now
    )
    facts |= {
        "members": buyers,
        "secret": stock.secret,
        "now": now,
        "day": now.date(),
        "tier": discounts.TIER,
    }
    facts |= {"store": stock.store_id, "terminal": stock.terminal_ids[0]}
    facts["purse"] = msgspec.json.encode(purse).decode()
    with in_bulk(engine) as connection:
        for statement in (_BUYERS, _PURSES, *SCANNED):
            connection.execute(text(statement), facts)
        coupons.one_each(connection, templates.held, facts | {"buyers": buyers})
        first_lot = connection.execute(text(_FIRST_LOT), facts).scalar_one()
        elsewhere = connection.execute(text(_ELSEWHERE), facts | {"first_lot": first_lot}).scalar_one()
    if elsewhere:
        raise RuntimeError(f"{elsewhere} lots are not where the reference looks for them")
    # Every eighth ticket is of the first till, and tickets are of the buyers in turn.
    members = [first_member + TILLS * n % buyers for n in range(len(PRICES_FEN))]
    given = [coupons.give(templates.used, member, clock.now()) for member in members]
    return Shelf(
        stock=stock,
        first_member=first_member,
        buyers=buyers,
        first_lot=first_lot,
        first_ticket=first_ticket,
        tickets=tickets,
        kept=tuple(
            _kept(stock, first_ticket + TILLS * n, price, given[n]) for n, price in enumerate(PRICES_FEN)
        ),
        kept_coupons=tuple(given),
        coupon_template=templates.used,
    )


def _kept(stock: Stock, ticket: int, price_fen: int, coupon_id: str) -> Quoted:
    """Of the member's coupons this one alone counts."""
    till, lines = till_of_key(stock.keys[0]), [Line(**line) for line in bill_of(price_fen)]  # type: ignore[arg-type]
    wishes = Wishes(points=POINTS, balance_fen=BALANCE_FEN)

    def ask() -> Quoted:
        return quote(till=till, ticket=stock.ticket(ticket), lines=lines, wishes=wishes, now=clock.now())

    others = {one.told.key for one in ask().priced.benefits if one.coupon is not None}
    chosen = key_of(coupon_id)
    wishes = replace(wishes, benefits={chosen}, without=others - {chosen})
    return ask()


def bill_of(price_fen: int) -> list[dict[str, object]]:
    """The bill of a sale at its prices, with categories for the rules to look at."""
    lines = zip(lines_of(price_fen), _CATEGORIES, strict=True)
    return [line | {"category": category} for line, category in lines]


COPIES = """
    INSERT INTO quotes (id, store_id, terminal_id, ticket_id, member_id, stored_value_fen, priced, created_at,
        expires_at, confirmation)
    SELECT {id}, q.store_id, (CAST(:terminals AS bigint[]))[{terminal}], {ticket}, :first_member + n % :buyers,
        q.stored_value_fen, CAST(replace(CAST(q.priced AS text), (CAST(:kept_coupons AS text[]))[{kept}], {coupon})
            AS jsonb), :now, :expires_at, q.confirmation
    FROM generate_series(CAST(:first AS bigint), :first + :count - 1) n
    JOIN quotes q ON q.id = (CAST(:kept AS text[]))[{kept}]"""
_COUPON = "'C' || lpad(n::text, 25, '0')"
_COUPONS = coupons.COUPONS.format(id=_COUPON)
_HELD = COPIES.format(
    id="'Q' || lpad(n::text, 25, '0')",
    terminal="1 + n % :tills",
    ticket="left(encode(sha256(convert_to(:secret || '/' || :first_ticket + n, 'UTF8')), 'hex'), 43)",
    kept="1 + n % cardinality(CAST(:kept AS text[]))",
    coupon=_COUPON,
)


def hold(engine: Engine, shelf: Shelf, *, first: int, count: int) -> None:
    """Quotes number `first` and so on, each with the ticket and a coupon of that number; good as long as any."""
    facts = {
        "first": first,
        "count": count,
        "kept": [one.quote_id for one in shelf.kept],
        "kept_coupons": list(shelf.kept_coupons),
    }
    with in_bulk(engine) as connection:
        copy(connection, shelf, _COUPONS, _HELD, **facts)


def copy(connection: Connection, shelf: Shelf, *statements: str, **facts: object) -> None:
    """Run statements made of `COPIES` and of `coupons.COUPONS`; good as long as any quote."""
    now = clock.now()
    facts |= {"secret": shelf.stock.secret, "first_ticket": shelf.first_ticket, "tills": TILLS}
    facts |= {"terminals": list(shelf.stock.terminal_ids), "now": now, "expires_at": now + QUOTE_LIFE}
    facts |= {"first_member": shelf.first_member, "buyers": shelf.buyers, "template": shelf.coupon_template}
    for statement in statements:
        connection.execute(text(statement), facts)


class QuoteRequests:
    """Hands out requests for quotes, again and again, and for sales by quote, each quote once."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._next = 0

    def quotes(self) -> list[Operation]:
        """For every buyer one, with a ticket that no sale by quote takes: the last ones."""
        first = self._shelf.tickets - self._shelf.buyers
        return [(self._quote(number),) for number in range(first, self._shelf.tickets)]

    def _quote(self, number: int) -> bytes:
        return request(
            "POST",
            "/pos/v1/quotes",
            token=self._shelf.stock.keys[number % TILLS],
            body={
                "ticket": self._shelf.ticket(number),
                "lines": discounts.lines_of(LINES),
                "points": POINTS,
                "balance_fen": BALANCE_FEN,
            },
        )

    def sales(self, engine: Engine, count: int) -> list[Operation]:
        """At most `count`: as many as there are tickets left. The quotes are made now."""
        first = self._next
        self._next = min(first + count, self._shelf.tickets - self._shelf.buyers)
        hold(engine, self._shelf, first=first, count=self._next - first)
        return [(self._sale(number),) for number in range(first, self._next)]

    def _sale(self, number: int) -> bytes:
        payable_fen = self._shelf.kept[number % len(self._shelf.kept)].priced.payable_fen
        return request(
            "POST",
            "/pos/v1/sales",
            token=self._shelf.stock.keys[number % TILLS],
            key=f"quoted-sale-{number}",
            body={
                "quote_id": f"Q{number:025}",
                "receipt_no": f"Q{number:08}",
                "tenders": [{"kind": "cash", "amount_fen": payable_fen}],
            },
        )
