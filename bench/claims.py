"""Coupons to claim, wallets with much in them, and requests that claim and look.

Templates and what the wallets hold are laid in in bulk; what is claimed is written by the product.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, Engine, text

from app import clock
from app.coupons.face import face_of
from app.ids import new_id
from bench.figures import BooksUnsound
from bench.requests import Operation, request
from bench.stock import Stock, in_bulk

#: As many coupons as a wallet holds, and how many such wallets there are.
HELD, WALLETS = 200, 50
FACES = 30
#: Of a template that does not run out while it is measured.
PLENTY = 1_000_000_000

_FACE = {
    "name_zh": "满 100 减 15 元券",
    "name_en": "¥15 off ¥100 or more",
    "terms_zh": "每单限用一张，不可兑换现金。",
    "effect": {"kind": "amount", "off_fen": 1_500},
    "validity": {"kind": "days", "days": 30},
    "conditions": {"weekdays": [1, 2, 3, 4, 5, 6, 7], "categories": ["乳品", "烘焙"]},
    "at_least_fen": 10_000,
}
_TEMPLATE = """
    INSERT INTO coupon_templates (id, version, state, face_version, per_member, per_clerk_a_day, in_centre, created_at)
    VALUES (:id, 1, 'live', 1, :per_member, 0, :in_centre, :now)"""
_TEMPLATE_FACE = """
    INSERT INTO coupon_faces (template_id, version, face, created_at)
    VALUES (:id, 1, CAST(:face AS jsonb), :now) RETURNING id"""
_STOCK = "INSERT INTO coupon_stock (template_id, stock) VALUES (:id, :stock)"
_HELD = """
    INSERT INTO coupons (id, template_id, face_id, issued_to, nth, source, source_id, issued_at, issued_on, uses,
        valid_from, valid_until, member_id)
    SELECT :head || lpad((m * :each + n)::text, 6, '0'), :id, :face_id, m, n, 'grant', 'bench-' || n, :now, :day, 1,
        :now, CAST(:now AS timestamptz) + make_interval(days => 1 + n), m
    FROM generate_series(1, :wallets) m, generate_series(1, :each) n"""
_EVENTS = """
    INSERT INTO coupon_events (coupon_id, kind, member_id, at)
    SELECT c.id, 'issued', c.member_id, c.issued_at FROM coupons c
    WHERE c.source = 'grant' AND c.source_id LIKE 'bench-%'"""

_OUT = """
    SELECT count(*), count(DISTINCT issued_to), (SELECT issued FROM coupon_stock WHERE template_id = :id)
    FROM coupons WHERE template_id = :id"""


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Templates to claim from: for claims one by one, for the reference, and one of which nothing is left."""

    stock: Stock = field(repr=False)
    plenty: str
    reference: str
    reference_face: int
    empty: str


def lay_in(engine: Engine, stock: Stock) -> Counter:
    """Add to what `bench.stock.lay_in` laid in; the wallets are those of the first members."""
    with in_bulk(engine) as connection:
        plenty, _ = template(connection, PLENTY)
        reference, reference_face = template(connection, PLENTY)
        empty, _ = template(connection, 0)
        for number in range(FACES):
            _fill_wallets(connection, number)
        connection.execute(text(_EVENTS))
        connection.execute(text("VACUUM ANALYZE"))
    return Counter(
        stock=stock, plenty=plenty, reference=reference, reference_face=reference_face, empty=empty
    )


def template(
    connection: Connection, stock: int | None, *, per_member: int | None = None, in_centre: bool = True
) -> tuple[str, int]:
    """Its id, and that of its face."""
    now = clock.now()
    face_of(_FACE)
    facts = {"id": new_id(now), "now": now, "per_member": per_member, "in_centre": in_centre, "stock": stock}
    connection.execute(text(_TEMPLATE), facts)
    face = msgspec.json.encode(_FACE).decode()
    face_id = connection.execute(text(_TEMPLATE_FACE), facts | {"face": face}).scalar_one()
    if stock is not None:
        connection.execute(text(_STOCK), facts)
    return str(facts["id"]), int(face_id)


def _fill_wallets(connection: Connection, number: int) -> None:
    template_id, face_id = template(connection, None, in_centre=False)
    now = clock.now() - timedelta(minutes=5)
    each = HELD // FACES + (number < HELD % FACES)
    facts = {"id": template_id, "face_id": face_id, "wallets": WALLETS, "each": each, "now": now}
    connection.execute(text(_HELD), facts | {"head": new_id(now)[:20], "day": now.date()})


class ClaimRequests:
    """Hands out claims that were never sent before: each key serves once."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self._stock = counter, counter.stock
        self._numbers = itertools.count()

    def claims(self, count: int) -> list[Operation]:
        return [self._next(self._counter.plenty) for _ in range(count)]

    def refused(self) -> list[Operation]:
        """Of what has run out; a refusal keeps nothing, so they can be sent again."""
        return [self._next(self._counter.empty) for _ in range(self._stock.members)]

    def burst(self, template_id: str, count: int) -> list[bytes]:
        """One claim of each of so many members."""
        return [self._claim(template_id, member_id) for member_id in range(1, count + 1)]

    def wallets(self) -> list[Operation]:
        return [(self.wallet(member_id, HELD),) for member_id in range(1, WALLETS + 1)]

    def wallet(self, member_id: int, limit: int) -> bytes:
        return request("GET", f"/api/v1/coupons?limit={limit}", token=self._stock.token(member_id))

    def _next(self, template_id: str) -> Operation:
        return (self._claim(template_id, 1 + next(self._numbers) % self._stock.members),)

    def _claim(self, template_id: str, member_id: int) -> bytes:
        return request(
            "POST",
            "/api/v1/coupons",
            token=self._stock.token(member_id),
            key=f"claim-{next(self._numbers)}",
            body={"template_id": template_id},
        )


def reference_variables(counter: Counter, run: int, clients: int) -> dict[str, object]:
    """What bench/claim_reference.sql needs; `run` keeps its numbers apart."""
    return {
        "n": 0,
        "run": run,
        "clients": clients,
        "members": counter.stock.members,
        "template": counter.reference,
        "face": counter.reference_face,
        "hash": "\\x" + "00" * 32,
        "answer": '{"coupon_id":"01CLAIMR100000000000000001","name_zh":"满 100 减 15 元券",'
        '"name_en":"¥15 off ¥100 or more",'
        '"valid_from":"2026-01-01T00:00:00.000000Z","valid_until":"2026-01-31T00:00:00.000000Z"}',
    }


def check_flash(engine: Engine, template_id: str, stock: int, *, told: Mapping[str, int]) -> None:
    """Exactly the stock was claimed, one to each, and as many were told so. Raises `BooksUnsound`."""
    with engine.connect() as connection:
        out, members, counted = connection.execute(text(_OUT), {"id": template_id}).one()
    if not out == members == counted == told.get("claimed") == stock:
        raise BooksUnsound(
            f"{stock} coupons: {out} of {members} members are out, {counted} counted, told {told}"
        )
