"""What a stolen key can ask for is limited, and no shop ever notices."""

import uuid
from typing import Any

import pytest

from app.checkout import till_limits
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.throttle import Limit
from pos_api import guard
from tests.queueing import Queue, allow
from tests.quoting import TEA
from tests.shop import Shop, TillClient


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    guard._watched.clear()
    return shop.person("anna", Grant("clerk", shop.store.id))


def name(shop: Shop, staff_no: str | None, till: TillClient | None = None) -> Any:
    sale = {"receipt_no": uuid.uuid4().hex, "amount_fen": 100, "staff_no": staff_no}
    return (till or shop.till).post("/sales", sale).status_code


def test_wrong_staff_numbers_end_soon_at_that_till(shop: Shop, anna: StaffView) -> None:
    guessed = [name(shop, f"X{number}") for number in range(22)]
    assert guessed == [403] * 20 + [429] * 2
    assert name(shop, anna.staff_no) == 429, "or guessing would go on by what succeeds"
    assert name(shop, None) == 201
    assert name(shop, anna.staff_no, shop.add_till("S001", "T2")) == 201


def test_slips_of_the_finger_lock_nothing(shop: Shop, anna: StaffView) -> None:
    for _ in range(10):
        assert (name(shop, "ANNE"), name(shop, anna.staff_no)) == (403, 201)


def test_quotes_are_many_and_not_without_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert till_limits.QUOTES.amount >= 12 * 8 * 10
    monkeypatch.setattr(till_limits, "QUOTES", Limit("quotes", 8, 60))
    asked = [shop.till.post("/quotes", {"lines": [TEA]}) for _ in range(10)]
    assert [answer.status_code for answer in asked] == [201] * 8 + [429] * 2
    assert asked[-1].headers["Retry-After"] == "60"


def test_a_dozen_full_batches_are_a_week_of_a_till_and_pass(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow()
    queue = Queue(shop, shop.till)
    assert till_limits.UPLOADS.amount >= 12 * 500
    monkeypatch.setattr(till_limits, "UPLOADS", Limit("offline_items", 2, 60))
    assert queue.reason(queue.sold()) is None
    assert queue.reason(queue.sold()) is None
    refused = shop.till.post("/offline-sales", {"items": [queue.sold()]})
    assert refused.status_code == 429
