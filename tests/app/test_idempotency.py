"""One effect per key, over HTTP and with many tills at once."""

import threading
import time
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from sqlalchemy import Engine, text

from app import clock, idempotency
from pos_api.sales import SaleSchema
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop

TWINS = 20


def dawdle(engine: Engine) -> None:
    """Let each sale rest between its look and its end: by then all twins have looked, the worst that can happen."""
    with engine.begin() as connection:
        connection.execute(
            text("""CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$""")
        )
        connection.execute(
            text(
                "CREATE TRIGGER rest BEFORE INSERT ON ledger_transactions FOR EACH STATEMENT EXECUTE FUNCTION rest()"
            )
        )


def body(receipt_no: str = "R-1", amount_fen: int = 5_000) -> dict[str, object]:
    return {"receipt_no": receipt_no, "amount_fen": amount_fen}


def sell_together(address: str, shop: Shop, ticket: str | None) -> list[tuple[int, bytes]]:
    """Twenty tries of one sale under one key, each over a connection of its own; status and body of each."""
    headers = {"Authorization": f"Bearer {shop.till.key}", "Idempotency-Key": uuid.uuid4().hex}
    sale = body() if ticket is None else body() | {"ticket": ticket}

    def sell(_: int) -> tuple[int, bytes]:
        with urllib3.PoolManager(retries=False, timeout=30) as http:
            answer = http.request("POST", f"{address}/pos/v1/sales", json=sale, headers=headers)
            return answer.status, answer.data

    return race(TWINS, sell)


def one_effect(answers: list[tuple[int, bytes]]) -> bool:
    """All twins got the same sale, byte for byte, or were told to repeat."""
    done = {data for status, data in answers if status == 201}
    busy = all(status == 201 or (status == 409 and b'"busy"' in data) for status, data in answers)
    return len(done) == 1 and busy


def test_twenty_tries_of_one_sale_are_one_sale(address: str, shop: Shop, engine: Engine) -> None:
    dawdle(engine)
    phone = shop.member()
    assert one_effect(sell_together(address, shop, shop.till.ticket(shop.code(phone))))
    assert rows(engine, "SELECT count(*) FROM sales") == [(1,)]
    assert phone.get("/me/points").json["points"] == 50


@pytest.mark.long
class TestWithoutTheKeys:
    """The same twenty tries where nothing is unique."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        dawdle(unaudited_engine)
        with unaudited_engine.begin() as connection:
            for key in ("uq_sales_store_id_receipt_no", "uq_sales_ticket_id"):
                connection.execute(text(f"ALTER TABLE sales DROP CONSTRAINT {key}"))
            connection.execute(text("ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys"))
        return unaudited_engine

    def test_one_key_has_several_effects(self, address: str, shop: Shop, engine: Engine) -> None:
        ticket = shop.till.ticket(shop.code(shop.member()))
        assert not one_effect(sell_together(address, shop, ticket))
        [(sales,)] = rows(engine, "SELECT count(*) FROM sales")
        assert isinstance(sales, int)
        assert sales > 1


def test_a_repeated_sale_is_answered_byte_for_byte_the_same(shop: Shop) -> None:
    ticket = shop.till.ticket(shop.code(shop.member()))
    first = shop.till.sell(ticket, 990, "R-1", idempotency_key="once")
    second = shop.till.sell(ticket, 990, "R-1", idempotency_key="once")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data


def test_a_default_that_a_later_version_adds_does_not_make_another_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A till sends, the server is upgraded, the till repeats what it sent."""
    first = shop.till.post("/sales", body(), idempotency_key="k")
    load = SaleSchema.load

    def load_with_one_more(schema: SaleSchema, *given: Any, **options: Any) -> Any:
        return {**load(schema, *given, **options), "table_no": None}

    monkeypatch.setattr(SaleSchema, "load", load_with_one_more)
    again = shop.till.post("/sales", body(), idempotency_key="k")
    assert (again.status_code, again.data) == (201, first.data)


def test_the_order_of_fields_is_not_another_request(shop: Shop) -> None:
    first = shop.till.post("/sales", {"receipt_no": "R", "amount_fen": 1}, idempotency_key="k")
    second = shop.till.post("/sales", {"amount_fen": 1, "receipt_no": "R"}, idempotency_key="k")
    assert first.data == second.data


@pytest.mark.parametrize(
    "other",
    [
        {"receipt_no": "R-1", "amount_fen": 5_001},
        {"receipt_no": "R-2", "amount_fen": 5_000},
        {"receipt_no": "R-1", "amount_fen": 5_000, "ticket": "x"},
        {
            "receipt_no": "R-1",
            "amount_fen": 5_000,
            "lines": [{"sku": "a", "name": "b", "quantity": 1, "unit_price_fen": 5_000}],
        },
    ],
)
def test_a_key_does_not_serve_for_another_request(shop: Shop, other: dict[str, object]) -> None:
    assert shop.till.post("/sales", body(), idempotency_key="k").status_code == 201
    refused = shop.till.post("/sales", other, idempotency_key="k")
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_of_a_scan_does_not_serve_for_a_sale(shop: Shop) -> None:
    assert shop.till.scan(shop.code(shop.member()), idempotency_key="k").status_code == 201
    assert shop.till.post("/sales", body(), idempotency_key="k").json["code"] == "idempotency_key_reused"


def test_two_tills_may_use_the_same_key(shop: Shop, engine: Engine) -> None:
    other = shop.add_till("S001", "T2")
    assert shop.till.post("/sales", body("R-1"), idempotency_key="k").status_code == 201
    assert other.post("/sales", body("R-2"), idempotency_key="k").status_code == 201
    assert rows(engine, "SELECT count(*) FROM sales") == [(2,)]


def test_a_refusal_stores_nothing_and_the_key_stays_free(shop: Shop, engine: Engine) -> None:
    shop.till.post("/sales", body("taken"))
    refused = shop.till.post("/sales", body("taken"), idempotency_key="k")
    assert refused.json["code"] == "receipt_no_used"
    assert shop.till.sell("no-such-ticket", 100, idempotency_key="k").json["code"] == "ticket_unknown"
    assert rows(engine, "SELECT 1 FROM idempotency_keys WHERE key = 'k'") == []
    assert shop.till.post("/sales", body("free"), idempotency_key="k").status_code == 201


@pytest.mark.parametrize("path", ["/scans", "/sales"])
def test_without_a_key_nothing_moves(shop: Shop, path: str) -> None:
    asked = {"code": "1"} if path == "/scans" else body()
    answer = shop.till.client.post(
        f"/pos/v1{path}", json=asked, headers={"Authorization": f"Bearer {shop.till.key}"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 201, "tab\there"])
def test_keys_that_are_no_keys_are_refused(shop: Shop, key: str) -> None:
    answer = shop.till.client.post(
        "/pos/v1/sales",
        json=body(),
        headers={"Authorization": f"Bearer {shop.till.key}", "Idempotency-Key": key},
    )
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_malformed")


def test_the_longest_key_is_taken(shop: Shop) -> None:
    key = "~" * 200
    assert shop.till.post("/sales", body(), idempotency_key=key).status_code == 201
    assert shop.till.post("/sales", body(), idempotency_key=key).status_code == 201


def scope_of(engine: Engine) -> str:
    [(terminal,)] = rows(engine, "SELECT id FROM terminals")
    return f"terminal:{terminal}"


_TWIN = text("""
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (:scope, :key, '', '{}', now())""")


@pytest.mark.usefixtures("impatient")
def test_a_twin_in_flight_is_waited_for_and_then_the_till_is_told_to_repeat(
    shop: Shop, engine: Engine
) -> None:
    with engine.begin() as twin:
        twin.execute(_TWIN, {"scope": scope_of(engine), "key": "k"})
        busy = shop.till.post("/sales", body(), idempotency_key="k")
        twin.rollback()
    assert (busy.status_code, busy.json["code"], busy.headers["Retry-After"]) == (409, "busy", "1")
    assert shop.till.post("/sales", body(), idempotency_key="k").status_code == 201


def test_a_twin_that_gives_up_in_time_leaves_the_key_to_the_other(shop: Shop, engine: Engine) -> None:
    with engine.begin() as twin:
        twin.execute(_TWIN, {"scope": scope_of(engine), "key": "k"})
        answers: list[int] = []
        other = threading.Thread(
            target=lambda: answers.append(shop.till.post("/sales", body(), idempotency_key="k").status_code)
        )
        other.start()
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        until = time.monotonic() + 30
        while not rows(engine, waiting) and time.monotonic() < until:
            time.sleep(0.01)
        twin.rollback()
    other.join(30)
    assert answers == [201]


def test_different_keys_do_not_wait_for_each_other(shop: Shop, engine: Engine) -> None:
    with engine.begin() as twin:
        twin.execute(_TWIN, {"scope": scope_of(engine), "key": "k1"})
        assert shop.till.post("/sales", body(), idempotency_key="k2").status_code == 201
        twin.rollback()


def test_answers_are_forgotten_after_their_time_and_the_receipt_number_still_guards(
    shop: Shop, engine: Engine
) -> None:
    assert shop.till.post("/sales", body(), idempotency_key="k").status_code == 201
    assert idempotency.prune(before=clock.now() - timedelta(minutes=1)) == 0
    assert idempotency.prune(before=clock.now() + timedelta(seconds=1)) == 1
    again = shop.till.post("/sales", body(), idempotency_key="k")
    assert again.json["code"] == "receipt_no_used"


def test_many_sales_under_many_keys_all_happen(shop: Shop, engine: Engine) -> None:
    def sell(number: int) -> int:
        answers = [shop.till.post("/sales", body(f"R-{number}-{n}")) for n in range(3)]
        return Counter(answer.status_code for answer in answers)[201]

    assert race(16, sell) == [3] * 16
    assert rows(engine, "SELECT count(*) FROM sales") == [(48,)]
