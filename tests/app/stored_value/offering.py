"""Offers and top-ups for tests, made through the product's own doors."""

import uuid
from typing import Any

from app import clock
from app.audit import OPERATOR
from app.policies import change, standing
from app.staff.accounts import StaffView
from app.stored_value.change_offer import create
from app.stored_value.offers import Draft, Offer
from app.stored_value.policy import StoredValuePolicy
from tests.shop import Phone, Shop, TillClient


def offer(**changes: Any) -> Offer:
    """Pay 500.00, get 50.00 and 100 points; `changes` as in `Draft`."""
    values: dict[str, Any] = {
        "name_zh": "充 500 送 50",
        "name_en": "Pay 500, get 50",
        "pay_fen": 50_000,
        "bonus_fen": 5_000,
        "points": 100,
    }
    made = create(draft=Draft(**values | changes), actor=OPERATOR, now=clock.now())
    assert isinstance(made, Offer)
    return made


def set_value_policy(**value: Any) -> None:
    version = standing(StoredValuePolicy).version
    change(kind=StoredValuePolicy, value=value, version=version, actor=OPERATOR, now=clock.now())


def ticket(
    shop: Shop, phone: Phone, *, till: TillClient | None = None, clerk: StaffView | None = None
) -> str:
    """A scan at that till, by the next code that has not been used."""
    step = -2
    named = {} if clerk is None else {"staff_no": clerk.staff_no}
    here = till or shop.till
    while (answer := here.post("/scans", {"code": shop.code(phone, steps=step), **named})).status_code in (
        409,
        410,
    ):
        step += 1
    assert answer.status_code == 201, answer.json
    return str(answer.json["ticket"])


def topped_up(
    shop: Shop,
    phone: Phone,
    *,
    till: TillClient | None = None,
    clerk: StaffView | None = None,
    key: str | None = None,
    **changes: Any,
) -> Any:
    """The answer to a top-up of 500.00 in cash; `changes` as in the request's body."""
    body = {"amount_fen": 50_000, "method": "cash", "receipt_no": uuid.uuid4().hex[:20]} | changes
    if clerk is not None:
        body |= shop.proof(clerk)
    if "ticket" not in body:
        body["ticket"] = ticket(shop, phone, till=till, clerk=clerk)
    return (till or shop.till).post("/topups", body, idempotency_key=key)
