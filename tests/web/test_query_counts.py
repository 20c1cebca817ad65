"""How often the database is asked: each trip is time at the till."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app import clock
from app.audit import OPERATOR
from app.engagement.rewards.reward import Place
from app.points.change import create
from app.points.rules import Caps, Extra
from app.points.versions import Draft
from tests.actors import Actors
from tests.app.engagement.offering import lottery
from tests.coupons import give, live_template
from tests.rewards import coupons, item, mugs
from tests.shop import Shop

#: Statements, BEGIN and COMMIT not counted. Raising one of these makes the queue at the till longer.
BALANCE = 1
CODE = 2
SCAN = 3
SALE = 2
#: Once for each process after rules have changed.
COLD_RULES = 1
GUEST_SALE = 2
#: Once a minute for each process and till.
COLD_KEY = 1
LIST_OF_STAFF = 3
#: However much is in it, and however many rules it tells; and once for each process after faces were met first.
WALLET = 3
COLD_FACES = 1
#: However many items there are, and whatever they give.
MALL = 7
CLAIM = 3
#: Of a crowd that comes too late only the first of each second looks.
REFUSED_CLAIM, TOO_LATE = 2, 1


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent from now on, noted at the driver: some of ours go past SQLAlchemy."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, query: Any, *values: Any, **options: Any) -> Any:
        sent.append(" ".join(str(query).split()))
        return execute(cursor, query, *values, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    return sent


def cost(statements: list[str], ask: Callable[[], Any]) -> list[str]:
    statements.clear()
    assert ask().status_code < 300
    return list(statements)


def test_a_balance_is_one_statement(shop: Shop, statements: list[str]) -> None:
    phone = shop.member()
    asked = cost(statements, lambda: phone.get("/me/points"))
    assert len(asked) == BALANCE, asked


def test_a_code_is_shown_within_its_statements(shop: Shop, statements: list[str]) -> None:
    phone = shop.member()
    asked = cost(statements, lambda: phone.post("/me/code", json={}))
    assert len(asked) <= CODE, asked


def test_scan_and_sale_keep_to_their_statements(shop: Shop, statements: list[str]) -> None:
    code = shop.code(shop.member())
    given: list[Any] = []

    def scan() -> Any:
        given.append(shop.till.scan(code))
        return given[0]

    scanned = cost(statements, scan)
    assert len(scanned) <= SCAN, scanned
    sold = cost(statements, lambda: shop.till.sell(given[0].json["ticket"], 10_000))
    assert len(sold) <= SALE + COLD_RULES + COLD_KEY, sold
    another = shop.till.ticket(shop.code(shop.member()))
    sold = cost(statements, lambda: shop.till.sell(another, 10_000))
    assert len(sold) <= SALE, sold
    guest = cost(statements, lambda: shop.till.sell(None, 10_000))
    assert len(guest) <= GUEST_SALE, guest


def test_a_sale_with_a_daily_limit_costs_no_further_statement(shop: Shop, statements: list[str]) -> None:
    definition = Extra(points=5, caps=Caps(per_day=50))
    create(
        draft=Draft(name_zh="加赠", name_en="Extra", definition=definition), actor=OPERATOR, now=clock.now()
    )
    first, second = (shop.till.ticket(shop.code(shop.member())) for _ in range(2))
    assert shop.till.sell(first, 10_000).json["points_earned"] == 105
    sold = cost(statements, lambda: shop.till.sell(second, 10_000))
    assert len(sold) <= SALE, sold


def test_the_lines_of_a_sale_cost_no_further_statement(shop: Shop, statements: list[str]) -> None:
    def sell(lines: int) -> Any:
        line = {"sku": "A", "name": "茶", "quantity": 1, "unit_price_fen": 100}
        body = {"receipt_no": f"R-{lines}", "amount_fen": 100 * lines, "lines": [line] * lines}
        return shop.till.post("/sales", body)

    sell(2)
    assert len(cost(statements, lambda: sell(1))) == len(cost(statements, lambda: sell(200)))


@pytest.mark.parametrize("path", ["/me/points/entries", "/me/sales", "/me/messages"])
def test_a_longer_list_costs_no_further_statement(shop: Shop, statements: list[str], path: str) -> None:
    phone = shop.member()
    empty = len(cost(statements, lambda: phone.get(path)))
    shop.earn(phone, 10)
    shop.earn(phone, 10)
    assert len(cost(statements, lambda: phone.get(path))) == empty


def test_a_list_of_people_costs_no_statement_for_each(
    shop: Shop, actors: Actors, statements: list[str]
) -> None:
    client, headers = shop.app.test_client(), actors.headers("admin")
    asked = cost(statements, lambda: client.get("/office/v1/staff", headers=headers))
    assert len(asked) <= LIST_OF_STAFF, asked


def test_a_full_wallet_keeps_to_its_statements(shop: Shop, statements: list[str]) -> None:
    phone, now = shop.member(), clock.now()
    conditions = {"stores": [shop.store.id], "tiers": ["normal"]}
    for number in range(20):
        template = live_template(now, conditions=conditions, name_zh=f"券 {number}")
        give(template, phone.member_id, now, 10)
    path = "/coupons?limit=200&store=S001"
    cold = cost(statements, lambda: phone.get(path))
    assert len(cold) <= WALLET + COLD_FACES, cold
    warm = cost(statements, lambda: phone.get(path))
    assert len(warm) <= WALLET, warm
    assert len(phone.get(path).json["items"]) == 200


def test_a_full_mall_keeps_to_its_statements(shop: Shop, statements: list[str]) -> None:
    phone = shop.member()
    shop.earn(phone, 1_000)
    for _ in range(5):
        mugs(shop)
        coupons(live_template(clock.now(), stock=9))
        item(Place(store_id=None, stock=None), kind="chance", gives_id=lottery().id)
    asked = cost(statements, lambda: phone.get("/rewards?limit=50"))
    assert len(asked) <= MALL, asked
    assert len(phone.get("/rewards?limit=50").json["items"]) == 15


def test_a_claim_keeps_to_its_statements(shop: Shop, statements: list[str]) -> None:
    terms = {"in_centre": True}
    template, gone = (
        live_template(clock.now(), stock=5, terms=terms),
        live_template(clock.now(), stock=0, terms=terms),
    )

    def claim(template_id: str, key: str) -> Any:
        body, headers = {"template_id": template_id}, {"Idempotency-Key": key}
        return shop.member().post("/coupons", json=body, headers=headers)

    claim(template, "cold")
    phone = shop.member()
    headers = {"Idempotency-Key": "warm"}
    body = {"template_id": template}
    asked = cost(statements, lambda: phone.post("/coupons", json=body, headers=headers))
    assert len(asked) <= CLAIM, asked
    statements.clear()
    assert phone.post("/coupons", json={"template_id": gone}, headers=headers).status_code == 422
    for key, most in (("first", REFUSED_CLAIM), ("second", TOO_LATE)):
        statements.clear()
        refused = phone.post("/coupons", json={"template_id": gone}, headers={"Idempotency-Key": key})
        assert refused.status_code == 409
        assert len(statements) <= most, statements
