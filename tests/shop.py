"""A small shop to test in: everything in it was made through the product's own doors."""

import itertools
import uuid
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, text, update

import scan_codes
from app import clock, db
from app.audit import OPERATOR
from app.identity.models import MemberIdentity
from app.identity.sessions import open_session
from app.members.join import join
from app.parts import Parts
from app.points.change import set_rule
from app.staff import accounts
from app.staff.models import Staff
from app.staff.passwords import hashed_pin
from app.staff.roles import Grant
from app.stores import setup

BOSS = accounts.Boss(actor=OPERATOR, grants=None)
PASSWORD = "correct horse battery"
PIN = "271828"
_TIER = """INSERT INTO tiers (id, code, name_zh, name_en)
    VALUES ((SELECT max(id) + 1 FROM tiers), :code, :zh, :en)"""


@dataclass(frozen=True)
class Phone:
    """A member with the token their phone holds."""

    member_id: int
    token: str
    client: FlaskClient

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self._headers(options), **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.client.post(f"/api/v1{path}", headers=self._headers(options), **options)

    def patch(self, path: str, **options: Any) -> Any:
        return self.client.patch(f"/api/v1{path}", headers=self._headers(options), **options)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}


@dataclass(frozen=True)
class TillClient:
    """A point-of-sale machine with its key; each POST gets a key of its own unless one is given."""

    key: str
    client: FlaskClient

    def post(self, path: str, json: Any, idempotency_key: str | None = None, **options: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": idempotency_key or uuid.uuid4().hex,
            **options.pop("headers", {}),
        }
        return self.client.post(f"/pos/v1{path}", json=json, headers=headers, **options)

    def get(self, path: str) -> Any:
        return self.client.get(f"/pos/v1{path}", headers={"Authorization": f"Bearer {self.key}"})

    def scan(self, code: str, **options: Any) -> Any:
        return self.post("/scans", {"code": code}, **options)

    def ticket(self, code: str) -> str:
        answer = self.scan(code)
        assert answer.status_code == 201, answer.json
        return str(answer.json["ticket"])

    def sell(self, ticket: str | None, amount_fen: int, receipt_no: str | None = None, **options: Any) -> Any:
        body = {"ticket": ticket, "receipt_no": receipt_no or uuid.uuid4().hex[:20], "amount_fen": amount_fen}
        if ticket is None:
            del body["ticket"]
        return self.post("/sales", body, **options)


class Shop:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.parts: Parts = app.extensions["parts"]
        self._numbers = itertools.count(1)
        #: By member, the steps whose code was shown, each with how many steps away it was when it was first.
        self._shown: dict[int, dict[int, int]] = {}
        self.store = self.open_store("S001")
        self.till = self.add_till("S001", "T1")
        self.rule(rate_bp=10_000, lifetime_days=365)

    def again(self) -> "Shop":
        """The same shop for another test, in another database with the same rows."""
        other = copy(self)
        other._numbers = copy(self._numbers)
        other._shown = {member_id: dict(shown) for member_id, shown in self._shown.items()}
        other.till = TillClient(self.till.key, self.app.test_client())
        return other

    def open_store(self, code: str, time_zone: str = "Asia/Shanghai") -> setup.StoreView:
        return setup.open_store(
            code=code, name=f"门店 {code}", time_zone=time_zone, actor=OPERATOR, now=clock.now()
        )

    def add_till(self, store: str, code: str) -> TillClient:
        now = clock.now()
        setup.add_terminal(store_code=store, code=code, name=code, actor=OPERATOR, now=now)
        created = setup.create_api_key(
            store_code=store, terminal_code=code, name=code, actor=OPERATOR, now=now
        )
        return TillClient(created.key, self.app.test_client())

    def rule(
        self, *, rate_bp: int | None, lifetime_days: int | None = None, store_id: int | None = None
    ) -> int:
        now = clock.now()
        return set_rule(
            store_id=store_id,
            rate_bp=rate_bp,
            lifetime_days=lifetime_days,
            effective_from=now,
            actor=OPERATOR,
            now=now,
        )

    def tier(self, code: str, zh: str = "金卡", en: str = "Gold") -> None:
        """A tier that rules may name; nobody is in it."""
        with db.transaction() as session:
            row = {"code": code, "zh": zh, "en": en}
            session.execute(text(_TIER), row)

    def member(self, name: str = "", *, language: str = "zh") -> Phone:
        """A member who joined through a chat app, with a live token."""
        now = clock.now()
        with db.transaction() as session:
            member = join(session, policy_version="2026-01", source="telegram", language=language, now=now)
            member.name = name
            session.execute(
                insert(MemberIdentity).values(
                    member_id=member.id,
                    provider="telegram",
                    app_id="123456789",
                    subject=f"subject-{next(self._numbers)}",
                    created_at=now,
                )
            )
            token, _ = open_session(session, member.id, lifetime_days=30, now=now)
        return Phone(member.id, token, self.app.test_client())

    def code(self, phone: Phone, *, at: datetime | None = None, steps: int = 0) -> str:
        """The digits on that phone at that time, `steps` later.

        Neighbours and now's are not shown for one another, if there is another one: what was the next may be now's
        meanwhile.
        """
        now = scan_codes.step_of(at or clock.now())
        step, shown = now + steps, self._shown.setdefault(phone.member_id, {})
        same_again = steps == 0 and shown.get(step) == 0
        if at is None and abs(steps) <= 1 and step in shown and not same_again:
            step = next((one for one in (now - 1, now, now + 1) if one not in shown), step)
        shown.setdefault(step, steps)
        return scan_codes.issue(
            self.parts.issuer.ring, phone.member_id, step, prefix=self.parts.issuer.prefix
        )

    def person(self, login: str, *grants: Grant, password: str = PASSWORD) -> accounts.StaffView:
        return accounts.add(
            login=login,
            staff_no=f"N{next(self._numbers)}",
            name=login.title(),
            password=password,
            grants=grants,
            boss=BOSS,
            now=clock.now(),
            own_password=True,
        )

    def pin(self, person: accounts.StaffView, pin: str = PIN) -> str:
        """The PIN that the person has set."""
        with db.transaction() as session:
            session.execute(update(Staff).where(Staff.id == person.id).values(pin_hash=hashed_pin(pin)))
        return pin

    def proof(self, person: accounts.StaffView) -> dict[str, str]:
        """What a register sends when the person types their PIN."""
        return {"staff_no": person.staff_no, "staff_pin": self.pin(person)}

    def earn(self, phone: Phone, points: int) -> None:
        """Let the member buy for as many yuan as that, through scan and sale."""
        step = -2
        while (answer := self.till.scan(self.code(phone, steps=step))).status_code in (
            409,
            410,
        ):  # used, or over
            step += 1
        sale = self.till.sell(answer.json["ticket"], points * 100)
        assert sale.status_code == 201, sale.json
