"""Races over one coupon of one member: at tills, and between a till and the back office."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from sqlalchemy import Engine, text

import scan_codes
from app import clock, db
from app.audit import OPERATOR
from app.checkout.bill import Line
from app.checkout.pricing import Wishes
from app.checkout.quote import quote
from app.checkout.scan import TICKET_LIFE
from app.coupons.face import Days, Face, Gift
from app.discounts.effects import AmountOff
from app.ids import new_secret
from app.staff import accounts
from app.staff.roles import Grant
from app.staff.sign_in import session_hash
from app.stores.tills import till_of_key
from bench import coupons
from bench.stock import TILLS, Stock

_MUG = Face(
    name_zh="马克杯券",
    name_en="Mug",
    effect=Gift(item_zh="马克杯", item_en="Mug"),
    validity=Days(days=30),
    without_sale=True,
)
_OFF = Face(name_zh="五元券", name_en="¥5 off", effect=AmountOff(off_fen=500), validity=Days(days=30))
# As `scan` writes them, for the newest code of the member that was not used: a race needs more than a phone shows.
_TICKET = text("""
    WITH free AS (
        SELECT s AS step, to_timestamp(s * :step_s) AS at FROM generate_series(:step - 50, :step - 2) s
        WHERE NOT EXISTS (SELECT FROM code_uses u WHERE u.member_id = :member_id AND u.step = s)
        ORDER BY s DESC LIMIT 1),
    used AS (INSERT INTO code_uses (member_id, step, terminal_id, used_at)
        SELECT :member_id, step, :terminal_id, at FROM free)
    INSERT INTO scan_tickets (id, member_id, terminal_id, created_at, expires_at)
    SELECT :id, :member_id, :terminal_id, at, at + CAST(:life AS interval) FROM free""")
_SESSION = text("""
    INSERT INTO staff_sessions (token_hash, staff_id, created_at, last_seen_at, expires_at)
    VALUES (:hash, :staff_id, :now, :now, :until)""")


@dataclass
class Counters:
    """Members who hold one coupon, what tills know of them, and somebody in the back office."""

    engine: Engine
    stock: Stock = field(repr=False)
    _members: "itertools.count[int]" = field(default_factory=itertools.count)

    def held(self, face: Face, count: int) -> list[tuple[int, str]]:
        """So many members, the last first, as those hold nothing else; each with a coupon of a new template."""
        now = clock.now()
        template = coupons.add_template(face, now)
        members = [self.stock.members - next(self._members) % self.stock.members for _ in range(count)]
        return [(member, coupons.give(template, member, now)) for member in members]

    def mugs(self, count: int) -> list[tuple[int, str]]:
        """To be handed over by themselves."""
        return self.held(_MUG, count)

    def quotes(self, count: int, tills: int) -> list[tuple[str, list[str]]]:
        """Coupons, and for each the quotes of so many tills that count on it."""
        return [
            (coupon, [self._quote(member, till) for till in range(tills)])
            for member, coupon in self.held(_OFF, count)
        ]

    def _quote(self, member_id: int, till: int) -> str:
        return quote(
            till=till_of_key(self.stock.keys[till % TILLS]),
            ticket=self.ticket(member_id, till),
            lines=[Line(sku="T", name="茶", quantity=1, unit_price_fen=3_000)],
            wishes=Wishes(),
            now=clock.now(),
        ).quote_id

    def ticket(self, member_id: int, till: int = 0) -> str:
        values = {
            "id": new_secret(),
            "member_id": member_id,
            "terminal_id": self.stock.terminal_ids[till % TILLS],
            "step": scan_codes.step_of(clock.now()),
            "step_s": scan_codes.STEP_S,
            "life": TICKET_LIFE,
        }
        with self.engine.begin() as connection:
            connection.execute(_TICKET, values)
        return str(values["id"])

    @cached_property
    def office(self) -> str:
        """The token of somebody who may take coupons back."""
        now, token = clock.now(), new_secret()
        chief = accounts.add(
            login="chief",
            staff_no="B1",
            name="Chief",
            password=new_secret(),
            grants=(Grant("admin", None),),
            boss=accounts.Boss(actor=OPERATOR, grants=None),
            now=now,
            own_password=True,
        )
        values = {
            "hash": session_hash(token),
            "staff_id": chief.id,
            "now": now,
            "until": now + timedelta(hours=8),
        }
        with db.transaction() as session:
            session.execute(_SESSION, values)
        return token
