"""Claims at once over real HTTP: as many winners as there are coupons, the others refused and nothing else."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import urllib3
from sqlalchemy import Engine, text

from app import clock
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Phone, Shop

CLIENTS, ROUNDS, FEW_ROUNDS = 32, 20, 2
CENTRE = {"in_centre": True}
_keys = itertools.count()


@dataclass(frozen=True)
class Told:
    status: int
    code: str
    body: bytes


@dataclass(frozen=True)
class Crowd:
    """Phones with their connections open."""

    address: str
    http: urllib3.PoolManager
    phones: list[Phone]

    def claim(self, phone: Phone, template_id: str, key: str) -> Told:
        answer = self.http.request(
            "POST",
            f"{self.address}/api/v1/coupons",
            json={"template_id": template_id},
            headers={"Authorization": f"Bearer {phone.token}", "Idempotency-Key": key},
        )
        return Told(answer.status, answer.json().get("code", ""), answer.data)


@pytest.fixture
def crowd(shop: Shop, address: str) -> Iterator[Crowd]:
    with urllib3.PoolManager(maxsize=CLIENTS, retries=False, timeout=30) as http:
        yield Crowd(address, http, [shop.member() for _ in range(CLIENTS)])


def last_coupon(crowd: Crowd) -> Counter[tuple[int, str]]:
    """All want the only one there is."""
    template, number = live_template(clock.now(), stock=1, terms=CENTRE), next(_keys)
    told = race(CLIENTS, lambda n: crowd.claim(crowd.phones[n], template, f"last-{number}-{n}"))
    return Counter((one.status, one.code) for one in told)


def one_member(crowd: Crowd) -> Counter[tuple[int, str]]:
    """One member taps as often as there are clients, each time with another key; one coupon is allowed."""
    template = live_template(clock.now(), stock=100, terms=CENTRE | {"per_member": 1})
    number = next(_keys)
    told = race(CLIENTS, lambda n: crowd.claim(crowd.phones[0], template, f"often-{number}-{n}"))
    return Counter((one.status, one.code) for one in told)


def one_key(crowd: Crowd) -> set[bytes]:
    """One request, sent by all at once; what came back."""
    template, key = live_template(clock.now(), stock=100, terms=CENTRE), f"same-{next(_keys)}"
    told = race(CLIENTS, lambda _: crowd.claim(crowd.phones[0], template, key))
    assert {one.status for one in told} <= {201, 409}
    return {one.body for one in told if one.status == 201}


def hold(crowd: Crowd, engine: Engine, rounds: int) -> None:
    for _ in range(rounds):
        assert last_coupon(crowd) == {(201, ""): 1, (409, "coupons_used_up"): CLIENTS - 1}
        assert one_member(crowd) == {(201, ""): 1, (409, "coupon_limit_reached"): CLIENTS - 1}
        assert len(one_key(crowd)) == 1
    assert rows(engine, "SELECT count(*), sum(issued) FROM coupon_stock") == [(3 * rounds, 3 * rounds)]
    assert rows(engine, "SELECT count(*) FROM coupons") == [(3 * rounds,)]


def test_a_few_rounds(crowd: Crowd, engine: Engine) -> None:
    hold(crowd, engine, FEW_ROUNDS)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_many_rounds(crowd: Crowd, engine: Engine) -> None:
    hold(crowd, engine, ROUNDS)


class TestWithoutTheGuards:
    """The controls: each race must go wrong in one of its rounds, or it proves nothing."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            for table, constraint in (
                ("coupon_stock", "ck_coupon_stock_never_over"),
                ("coupons", "uq_coupons_template_id_issued_to_nth"),
                ("idempotency_keys", "pk_idempotency_keys"),
            ):
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
        return unaudited_engine

    def test_the_last_coupon_goes_to_many(self, crowd: Crowd) -> None:
        assert any(last_coupon(crowd)[201, ""] > 1 for _ in range(ROUNDS))

    def test_one_member_gets_many(self, crowd: Crowd) -> None:
        assert any(one_member(crowd)[201, ""] > 1 for _ in range(ROUNDS))

    def test_one_key_has_many_answers(self, crowd: Crowd) -> None:
        for _ in range(ROUNDS):
            template, key = live_template(clock.now(), terms=CENTRE), f"same-{next(_keys)}"
            told = race(CLIENTS, lambda _, t=template, k=key: crowd.claim(crowd.phones[0], t, k))
            if len({one.body for one in told if one.status == 201}) > 1:
                return
        pytest.fail("one answer in every round")
