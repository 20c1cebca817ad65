"""Members with something to spend, and tills that ask what a bill comes to."""

import uuid
from typing import Any

from app import clock, db
from app.audit import OPERATOR
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Cause, Posting, post
from app.points.pay import PointsPaymentPolicy
from app.policies import Policy, change, standing
from tests.shop import Phone, Shop, TillClient

TEA = {"sku": "T", "name": "茶", "quantity": 3, "unit_price_fen": 1_000}
CUP = {"sku": "C", "name": "杯", "quantity": 1, "unit_price_fen": 999}


def members(shop: Shop, count: int) -> list[Phone]:
    """So many, each with a thousand points."""
    phones = [shop.member() for _ in range(count)]
    for phone in phones:
        fill(phone, points=1_000)
    return phones


def fill(phone: Phone, *, points: int = 0, principal_fen: int = 0, bonus_fen: int = 0, **lot: Any) -> None:
    """Put that into the member's accounts, each a lot of its own."""
    now = clock.now()
    moves = {POINTS: points, PRINCIPAL: principal_fen, BONUS: bonus_fen}
    houses = {POINTS: "points_issued", PRINCIPAL: "principal_taken_in", BONUS: "bonus_issued"}
    cause = Cause(
        kind="adjust",
        source_type="test",
        source_id=uuid.uuid4().hex,
        occurred_at=now,
        business_date=now.date(),
    )
    postings = [
        Posting(member_id=phone.member_id, unit=unit, amount=amount, house=houses[unit], **lot)
        for unit, amount in moves.items()
        if amount
    ]
    with db.transaction() as session:
        post(session, cause, postings)


def set_policy(kind: type[Policy], **value: Any) -> None:
    change(kind=kind, value=value, version=standing(kind).version, actor=OPERATOR, now=clock.now())


def points_pay(**value: Any) -> None:
    set_policy(PointsPaymentPolicy, **{"points_per_yuan": 100, **value})


def ask(shop: Shop, phone: Phone | None, *lines: dict[str, Any], **wishes: Any) -> Any:
    """A quote for whoever shows their code."""
    ticket = None if phone is None else shop.till.ticket(shop.code(phone))
    return shop.till.post("/quotes", {"ticket": ticket, "lines": list(lines or (TEA, CUP)), **wishes})


def quoted(shop: Shop, phone: Phone | None, *lines: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    answer = ask(shop, phone, *lines, **wishes)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def take(till: TillClient, quote: dict[str, Any], *, key: str | None = None, **body: Any) -> Any:
    """The sale of that quote."""
    return till.post("/sales", {"quote_id": quote["id"], "receipt_no": uuid.uuid4().hex, **body}, key)


def taken(shop: Shop, quote: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = take(shop.till, quote, **body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)
