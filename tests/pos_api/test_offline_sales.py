"""A till's queue is uploaded: each item once, each refusal with its word, and the same answer for ever."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

import scan_codes
from app import clock, work
from app.checkout import offline
from app.staff.roles import Grant
from scan_codes import KeyRing
from tests.app.checkout.till_side import till_of
from tests.conftest import key, rows
from tests.queueing import Queue, allow, old_rule, stamp, upload_at
from tests.racing import race
from tests.shop import Shop, TillClient

RUNNERS = 16
EFFECTS = ("sales", "sale_lines", "scan_tickets", "code_uses", "facts", "ledger_entries", "offline_days")


@pytest.fixture
def queue(shop: Shop) -> Queue:
    allow()
    old_rule()
    return Queue(shop, shop.till)


def effects(engine: Engine) -> list[int]:
    return [rows(engine, f"SELECT count(*) FROM {table}")[0][0] for table in EFFECTS]  # type: ignore[misc]


def all_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody uses a code up before every one of the runners has seen that it is free."""
    all_looked, thread, take = threading.Barrier(RUNNERS), threading.local(), offline.take

    def together(*given: Any) -> None:
        if not hasattr(thread, "looked"):
            thread.looked = True
            all_looked.wait(30)
        take(*given)

    monkeypatch.setattr(offline, "take", together)


# What is recorded


def test_an_item_with_a_code_earns_and_one_without_is_recorded_alone(queue: Queue, engine: Engine) -> None:
    phone = queue.shop.member()
    earned, alone = queue.verdicts(queue.sold(phone, 1_234), queue.sold(None, 900_000))
    assert (earned["verdict"], earned["reason"], earned["points_earned"]) == ("recorded", None, 12)
    assert (alone["verdict"], alone["points_earned"]) == ("recorded", 0)
    assert phone.get("/me/points").json["points"] == 12
    found = rows(engine, "SELECT id, member_id, points_earned FROM sales ORDER BY points_earned DESC")
    assert found == [(earned["sale_id"], phone.member_id, 12), (alone["sale_id"], None, 0)]


def test_the_sale_is_of_when_it_was_sold_and_the_receipt_says_so(queue: Queue, engine: Engine) -> None:
    phone, at = queue.shop.member(), clock.now() - timedelta(hours=30)
    [verdict] = queue.verdicts(queue.sold(phone, at=at))
    [sale] = phone.get("/me/sales").json["items"]
    assert (sale["id"], sale["occurred_at"]) == (verdict["sale_id"], stamp(at).replace("+00:00", "Z"))
    work.tell_consumers(work.fact_relay(queue.shop.parts), clock.now())
    assert rows(engine, "SELECT (params ->> 'at')::timestamptz FROM messages") == [(at,)]
    assert verdict["sale_id"] < queue.shop.till.sell(None, 1).json["id"], "ids sort by time"


def test_lines_and_a_clerk_are_kept(queue: Queue) -> None:
    clerk = queue.shop.person("anna", Grant("clerk", queue.shop.store.id))
    line = {"sku": "A", "name": "茶", "quantity": 2, "unit_price_fen": 500}
    item = queue.sold(queue.shop.member(), lines=[line], staff_no=clerk.staff_no)
    [verdict] = queue.verdicts(item)
    assert queue.client.get(f"/sales/{verdict['sale_id']}").json["lines"] == [line]


# Nothing counts twice


def test_a_queue_sent_again_is_answered_byte_for_byte(queue: Queue, engine: Engine) -> None:
    phone = queue.shop.member()
    items = [queue.sold(phone), queue.sold(None), queue.sold(phone, sold_at=stamp(clock.now()))]
    items.append({**items[0], "sequence": items[0]["sequence"]})
    first = queue.send(*items)
    done = effects(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen'"))
        connection.execute(text("DELETE FROM idempotency_keys"))
    allow(most_age_hours=1, most_points_a_day=0)
    assert queue.send(*items).data == first.data
    allow(enabled=False)
    assert queue.send(*items).data == first.data
    assert effects(engine) == done
    assert [v["reason"] for v in first.json["items"]] == [None, None, "sold_outside_scan", None]


def test_sixteen_uploads_of_one_queue_at_once_have_one_effect_each(
    queue: Queue, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_look_first(monkeypatch)
    phone = queue.shop.member()
    at = clock.now() - timedelta(hours=2)
    items = [queue.sold(phone, at=at + timedelta(minutes=n)) for n in range(4)]
    items += [queue.sold(None), queue.sold(phone, 99_999_999)]
    answers = [answer for answer in race(RUNNERS, lambda _: queue.send(*items)) if answer.status_code == 200]
    assert answers
    last = queue.send(*items)
    assert {answer.data for answer in answers} == {last.data}
    assert rows(engine, "SELECT count(*) FROM sales") == [(5,)]
    assert rows(engine, "SELECT count(*) FROM offline_uploads") == [(6,)]
    assert phone.get("/me/points").json["points"] == 40


def test_of_many_tills_with_one_code_the_first_earns(
    queue: Queue, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of the code, shown at any number of offline tills within its minute, is worth one sale."""
    all_look_first(monkeypatch)
    phone, at = queue.shop.member(), clock.now() - timedelta(hours=1)
    tills = [queue, *(Queue(queue.shop, queue.shop.add_till("S001", f"T{n}")) for n in range(2, 5))]
    asked = [(till, till.sold(phone, at=at)) for till in tills for _ in range(4)]
    outcomes = race(RUNNERS, lambda n: asked[n][0].reason(asked[n][1]))
    assert sorted(map(str, outcomes)) == ["None"] + ["code_replayed"] * (RUNNERS - 1)
    assert phone.get("/me/points").json["points"] == 10
    assert rows(engine, "SELECT count(*) FROM sales") == [(1,)]


@pytest.mark.long
class TestWithoutTheKeyOfCodes:
    """The same race when nothing in the database says once."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            connection.execute(text("ALTER TABLE code_uses DROP CONSTRAINT pk_code_uses"))
        return unaudited_engine

    def test_one_code_earns_every_time(self, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        all_look_first(monkeypatch)
        phone, at = queue.shop.member(), clock.now() - timedelta(hours=1)
        items = [queue.sold(phone, at=at) for _ in range(RUNNERS)]
        assert race(RUNNERS, lambda n: queue.reason(items[n])).count(None) == RUNNERS


def test_a_number_is_good_for_one_content(queue: Queue, engine: Engine) -> None:
    item = queue.sold(queue.shop.member())
    assert queue.reason(item) is None
    done = effects(engine)
    for field, value in (("amount_fen", 9_999), ("receipt_no", "OTHER"), ("staff_no", "N1"), ("code", "1")):
        assert queue.reason({**item, field: value}) == "sequence_reused"
    assert effects(engine) == done
    assert queue.reason(item) is None


def test_another_till_has_numbers_of_its_own(queue: Queue) -> None:
    other = Queue(queue.shop, queue.shop.add_till("S001", "T2"))
    one, two = queue.sold(None), other.sold(None)
    assert one["sequence"] == two["sequence"]
    assert (queue.reason(one), other.reason(two)) == (None, None)


class Killed(Exception):
    """The worker is gone in the middle."""


@pytest.mark.parametrize("where", ["take", "record", "keep"])
def test_whoever_is_killed_in_the_middle_has_done_an_item_or_not(
    queue: Queue, engine: Engine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    phone, at = queue.shop.member(), clock.now() - timedelta(hours=1)
    items = [queue.sold(phone, at=at + timedelta(minutes=n)) for n in range(3)]
    real, calls = getattr(offline, where), iter(range(9))

    def dies(*given: Any, **more: Any) -> Any:
        done = real(*given, **more)
        if next(calls) == 1:
            raise Killed
        return done

    monkeypatch.setattr(offline, where, dies)
    till = till_of(queue.client)
    upload_at(queue.shop, till, items[0], clock.now())
    with pytest.raises(Killed):
        upload_at(queue.shop, till, items[1], clock.now())
    assert rows(engine, "SELECT count(*) FROM offline_uploads") == [(1,)]
    assert rows(engine, "SELECT count(*) FROM code_uses") == [(1,)]
    told = [upload_at(queue.shop, till, item, clock.now()) for item in items]
    assert {verdict.verdict for verdict in told} == {"recorded"}
    assert phone.get("/me/points").json["points"] == 30


# Beside what happens online


def test_a_code_taken_live_elsewhere_is_a_replay(queue: Queue) -> None:
    phone, other = queue.shop.member(), queue.shop.add_till("S001", "T2")
    now = clock.now()
    item = queue.sold(phone, at=now, code=queue.shop.code(phone, at=now), scanned_at=stamp(now))
    other.ticket(item["code"])
    assert queue.reason(item) == "code_replayed"


def test_what_the_till_scanned_before_the_network_went_is_used_up_by_the_upload(
    queue: Queue, engine: Engine
) -> None:
    phone, now = queue.shop.member(), clock.now()
    ticket = queue.client.ticket(queue.shop.code(phone, at=now))
    scan = {"code": queue.shop.code(phone, at=now), "scanned_at": stamp(now)}
    again = queue.sold(phone, at=now, **scan)
    [verdict] = queue.verdicts(queue.sold(phone, at=now, **scan), again)[:1]
    assert rows(engine, "SELECT ticket_id FROM sales WHERE id = :id", id=verdict["sale_id"]) == [(ticket,)]
    assert queue.reason(again) == "code_replayed"
    assert queue.client.sell(ticket, 500).json["code"] == "ticket_used"
    assert phone.get("/me/points").json["points"] == 10


def test_another_clerk_does_not_use_up_that_scan(queue: Queue) -> None:
    phone, now = queue.shop.member(), clock.now()
    code = queue.shop.code(phone, at=now)
    queue.client.ticket(code)
    clerk = queue.shop.person("anna", Grant("clerk", queue.shop.store.id))
    item = queue.sold(phone, at=now, code=code, scanned_at=stamp(now), staff_no=clerk.staff_no)
    assert queue.reason(item) == "code_replayed"


def test_a_sale_whose_answer_was_lost_and_that_was_queued_counts_once(queue: Queue) -> None:
    phone, now = queue.shop.member(), clock.now()
    code = queue.shop.code(phone, at=now)
    queue.client.sell(queue.client.ticket(code), 1_000, "R-7")
    item = queue.sold(phone, at=now, code=code, scanned_at=stamp(now), receipt_no="R-7")
    assert queue.reason(item) == "receipt_no_used"
    assert phone.get("/me/points").json["points"] == 10


def test_a_code_uploaded_is_used_for_live_scans(queue: Queue) -> None:
    phone, now = queue.shop.member(), clock.now()
    code = queue.shop.code(phone, at=now)
    assert queue.reason(queue.sold(phone, at=now, code=code, scanned_at=stamp(now))) is None
    assert queue.client.scan(code).json["code"] == "code_replayed"


# What is refused, and why


def test_each_refusal_has_its_word(queue: Queue, engine: Engine) -> None:
    shop, now = queue.shop, clock.now()
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    phone = shop.member()
    step = scan_codes.step_of(now - hour)
    foreign, gone = KeyRing.parse(f"1:{key('x')}"), KeyRing.parse(f"7:{key('c')}")
    taken = queue.client.sell(None, 100, "TAKEN")
    assert taken.status_code == 201
    good = {"code": shop.code(phone, at=now - hour), "scanned_at": stamp(now - hour)}
    line = {"sku": "A", "name": "茶", "quantity": 1, "unit_price_fen": 5}
    expected: list[tuple[dict[str, Any], str]] = [
        (queue.sold(phone, at=now + 3 * minute), "from_the_future"),
        (queue.sold(None, at=now - 73 * hour), "too_old"),
        (queue.sold(phone, scanned_at=stamp(now - 73 * hour)), "too_old"),
        (queue.sold(phone, at=now - hour, scanned_at=stamp(now - hour + minute)), "sold_outside_scan"),
        (queue.sold(phone, at=now - hour + 30 * minute, **good), "sold_outside_scan"),
        (queue.sold(phone, lines=[line]), "lines_do_not_sum"),
        (queue.sold(phone, 200_001), "amount_too_large"),
        (queue.sold(phone, receipt_no="TAKEN"), "receipt_no_used"),
        (queue.sold(phone, staff_no="NOBODY"), "clerk_not_allowed"),
        (queue.sold(phone, code="9" * 20), "code_malformed"),
        (queue.sold(phone, code="\x00"), "code_malformed"),
        (queue.sold(phone, code="134567890123456789"), "payment_code"),
        (queue.sold(phone, code=scan_codes.issue(foreign, phone.member_id, step)), "code_forged"),
        (queue.sold(phone, code=scan_codes.issue(shop.parts.issuer.ring, 999_999, step)), "code_forged"),
        (queue.sold(phone, code=scan_codes.issue(gone, phone.member_id, step)), "code_revoked"),
        (queue.sold(phone, code=shop.code(phone, at=now - hour, steps=-4)), "code_not_of_that_time"),
        (queue.sold(phone, code=shop.code(phone, at=now - hour, steps=4)), "code_not_of_that_time"),
    ]
    done = effects(engine)
    told = queue.verdicts(*(item for item, _ in expected))
    assert [verdict["reason"] for verdict in told] == [reason for _, reason in expected]
    assert effects(engine) == done
    assert queue.reason(queue.sold(phone, at=now - hour + 29 * minute, **good)) is None


def test_a_member_who_is_none_at_the_upload_earns_nothing(queue: Queue, engine: Engine) -> None:
    frozen, gone, renewed = (queue.shop.member() for _ in range(3))
    items = [queue.sold(phone) for phone in (frozen, gone, renewed)]
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE members SET status = 'frozen' WHERE id = {frozen.member_id}"))
    assert gone.client.delete(
        "/api/v1/me/consent", headers={"Authorization": f"Bearer {gone.token}"}
    ).status_code in (200, 204)
    assert renewed.post("/me/code", json={"renew": True}).status_code == 200
    told = [verdict["reason"] for verdict in queue.verdicts(*items)]
    assert told[0] == "member_not_active"
    assert told[1:] == ["code_revoked", "code_revoked"]
    assert rows(engine, "SELECT count(*) FROM sales") == [(0,)]


def test_guessing_codes_ends_after_twenty_and_costs_no_verdict(queue: Queue, engine: Engine) -> None:
    phone, foreign = queue.shop.member(), KeyRing.parse(f"1:{key('x')}")
    step = scan_codes.step_of(clock.now() - timedelta(hours=1))
    items = [queue.sold(phone, code=scan_codes.issue(foreign, n, step)) for n in range(1, 25)]
    answer = queue.send(*items)
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_requests")
    assert rows(engine, "SELECT count(*) FROM offline_uploads") == [(20,)]
    assert queue.send(queue.sold(phone)).status_code == 429
    assert queue.send(queue.sold(None)).status_code == 200
    assert queue.send(*items[:20]).status_code == 200, "what was judged is told again"
    assert queue.client.scan(queue.shop.code(phone)).status_code == 201, "the live scanner goes on"


# What the policy says


def test_nothing_is_judged_until_the_policy_allows_it(shop: Shop, engine: Engine) -> None:
    queue = Queue(shop, shop.till)
    item = queue.sold(shop.member())
    answer = queue.send(item)
    assert (answer.status_code, answer.json["code"]) == (403, "offline_not_allowed")
    assert rows(engine, "SELECT count(*) FROM offline_uploads") == [(0,)]
    allow()
    assert queue.reason(item) is None


def test_a_terminal_gives_so_many_points_a_day_and_no_more(
    queue: Queue, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_look_first(monkeypatch)
    allow(most_points_a_day=45)
    at = clock.now() - timedelta(hours=1)
    phone = queue.shop.member()
    items = [queue.sold(phone, at=at + timedelta(minutes=n)) for n in range(RUNNERS)]
    outcomes = race(RUNNERS, lambda n: queue.reason(items[n]))
    assert outcomes.count(None) == 4
    assert outcomes.count("points_of_day_used_up") == RUNNERS - 4
    assert rows(engine, "SELECT points, most FROM offline_days") == [(40, 45)]
    monkeypatch.undo()
    other = Queue(queue.shop, queue.shop.add_till("S001", "T2"))
    assert other.reason(other.sold(queue.shop.member())) is None
    assert queue.reason(queue.sold(None)) is None


@pytest.mark.long
class TestWithoutTheLimitOfTheDay:
    """The same race when the database does not say how much: those who looked at once all give."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            connection.execute(text("ALTER TABLE offline_days DROP CONSTRAINT ck_offline_days_within_limit"))
        return unaudited_engine

    def test_all_are_given(self, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        all_look_first(monkeypatch)
        allow(most_points_a_day=45)
        items = [queue.sold(queue.shop.member()) for _ in range(RUNNERS)]
        assert race(RUNNERS, lambda n: queue.reason(items[n])).count(None) == RUNNERS


# Numbers that never came


def test_gaps_are_told_newest_twenty_and_close_when_the_number_comes(queue: Queue) -> None:
    def gaps(*numbers: int) -> list[tuple[int, int]]:
        answer = queue.send(*(queue.sold(None, sequence=number) for number in numbers))
        return [(gap["first"], gap["last"]) for gap in answer.json["missing"]]

    assert gaps(5) == []
    assert gaps(6, 9, 1_000_000) == [(7, 8), (10, 999_999)]
    assert gaps(7) == [(8, 8), (10, 999_999)]
    assert gaps(8) == [(10, 999_999)]
    told = gaps(*range(1_000_002, 1_000_080, 2))
    assert len(told) == 20
    assert told[-1] == (1_000_077, 1_000_077)


def shapes(queue: Queue) -> list[dict[str, Any]]:
    good = queue.sold(queue.shop.member())
    return [
        {**good, "sequence": 0},
        {**good, "sequence": 2**53},
        {**good, "sequence": "1"},
        {**good, "sold_at": "2026-01-01T00:00:00"},
        {**good, "sold_at": "0001-01-01T00:00:00+14:00"},
        {**good, "sold_at": "9999-12-31T23:59:59-14:00"},
        {**good, "scanned_at": None},
        {key: value for key, value in good.items() if key != "scanned_at"},
        {**good, "coupon": "C1"},
        {**good, "amount_fen": -1},
    ]


def test_a_fault_of_shape_refuses_the_request_and_names_the_item(queue: Queue, engine: Engine) -> None:
    for wrong in shapes(queue):
        answer = queue.send(queue.sold(None), wrong)
        assert (answer.status_code, answer.json["code"]) == (422, "validation_failed"), wrong
        assert list(answer.json["fields"]["json"]["items"]) == ["1"]
    assert queue.send().status_code == 422
    assert queue.send(*(queue.sold(None) for _ in range(101))).status_code == 422
    assert rows(engine, "SELECT count(*) FROM offline_uploads") == [(0,)]


def test_a_revoked_key_uploads_nothing(queue: Queue) -> None:
    stranger = TillClient("mc_unknown", queue.shop.app.test_client())
    assert Queue(queue.shop, stranger).send(queue.sold(None)).status_code == 401
