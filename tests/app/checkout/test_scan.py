"""Scanning a member's code: taken once, and each refusal has its word."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

import scan_codes
from app import clock
from app.checkout import scan as story
from app.checkout.scan import CodeExpired, CodeForged, CodeNotYet, CodeReplayed
from app.staff.roles import Grant
from scan_codes import KeyRing
from tests.app.checkout.till_side import scan_at, till_of
from tests.conftest import key, rows
from tests.racing import race
from tests.shop import Phone, Shop

US = timedelta(microseconds=1)


def outcome(answer: object) -> tuple[int, str]:
    """Status and word of an answer."""
    return answer.status_code, answer.json.get("code", "")  # type: ignore[attr-defined]


def test_a_scan_shows_what_a_clerk_may_know(shop: Shop) -> None:
    phone = shop.member("欧阳娜娜")
    answer = shop.till.scan(shop.code(phone))
    assert answer.status_code == 201
    assert answer.json["member"] == {
        "name": "欧***",
        "tier": {"code": "normal", "name": "普通会员"},
        "points": 0,
        "balance_fen": 0,
    }
    assert set(answer.json) == {"ticket", "expires_at", "member", "coupon"}
    assert answer.json["coupon"] is None


def test_thirty_two_tills_scan_one_code_and_one_gets_the_ticket(shop: Shop, engine: Engine) -> None:
    code = shop.code(shop.member())
    tills = [shop.till, shop.add_till("S001", "T2")]
    answers = race(32, lambda n: outcome(tills[n % 2].scan(code)))
    assert sorted(answers) == [(201, "")] + [(409, "code_replayed")] * 31
    assert rows(engine, "SELECT count(*) FROM scan_tickets") == [(1,)]


@pytest.mark.long
class TestWithoutThePrimaryKey:
    """The same race when nothing in the database says once."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            connection.execute(text("ALTER TABLE code_uses DROP CONSTRAINT pk_code_uses"))
        return unaudited_engine

    def test_one_code_gives_several_tickets(self, shop: Shop, engine: Engine) -> None:
        code = shop.code(shop.member())
        assert race(32, lambda _: shop.till.scan(code).status_code).count(201) == 32


def test_a_code_taken_at_one_till_is_refused_at_another(shop: Shop) -> None:
    code = shop.code(shop.member())
    shop.open_store("S002")
    elsewhere = shop.add_till("S002", "T1")
    assert shop.till.scan(code).status_code == 201
    assert outcome(elsewhere.scan(code)) == (409, "code_replayed")
    assert outcome(shop.till.scan(code)) == (409, "code_replayed")


def test_the_same_key_gives_the_same_ticket_and_takes_no_second_code(shop: Shop, engine: Engine) -> None:
    code = shop.code(shop.member())
    first = shop.till.scan(code, idempotency_key="k")
    again = shop.till.scan(code, idempotency_key="k")
    assert (first.status_code, first.data) == (201, again.data)
    assert rows(engine, "SELECT count(*) FROM code_uses") == [(1,)]


def test_thirty_two_tries_of_one_scan_get_one_ticket(shop: Shop) -> None:
    code = shop.code(shop.member())
    answers = race(32, lambda _: shop.till.scan(code, idempotency_key="k"))
    assert {answer.json["ticket"] for answer in answers if answer.status_code == 201} == {
        next(answer.json["ticket"] for answer in answers if answer.status_code == 201)
    }
    assert all(outcome(answer) in ((201, ""), (409, "busy")) for answer in answers)


@pytest.mark.parametrize("later", [timedelta(minutes=2), timedelta(minutes=11), timedelta(hours=30)])
def test_a_retry_finds_its_ticket_long_after_the_code_is_over(shop: Shop, later: timedelta) -> None:
    phone, till, now = shop.member(), till_of(shop.till), clock.now()
    code = shop.code(phone, at=now)
    first = scan_at(shop, till, code, now, key="k")
    assert scan_at(shop, till, code, now + later, key="k") == first
    with pytest.raises((CodeExpired, CodeForged)):
        scan_at(shop, till, code, now + later)


def test_a_retry_finds_its_ticket_after_the_member_withdrew_the_code(shop: Shop) -> None:
    phone = shop.member()
    code = phone.post("/me/code", json={}).json["code"]
    first = shop.till.scan(code, idempotency_key="k")
    phone.post("/me/code", json={"renew": True})
    assert shop.till.scan(code, idempotency_key="k").data == first.data


def test_each_fault_of_a_code_has_its_word(shop: Shop) -> None:
    phone = shop.member()
    good = shop.code(phone)
    foreign = KeyRing.parse(f"1:{key('x')}")
    step = scan_codes.step_of(clock.now())
    other_kid = KeyRing.parse(f"7:{key('c')}")
    codes = {
        shop.code(phone, steps=-5): (410, "code_expired"),
        shop.code(phone, steps=5): (422, "code_not_yet"),
        scan_codes.issue(foreign, phone.member_id, step): (422, "code_forged"),
        scan_codes.issue(other_kid, phone.member_id, step): (410, "code_revoked"),
        good[:-1] + str((int(good[-1]) + 1) % 10): (422, "code_malformed"),
        "": (422, "code_malformed"),
        "9" * 1000: (422, "code_malformed"),
        "\x00": (422, "code_malformed"),
        "１" * 20: (422, "code_malformed"),
        "134567890123456789": (422, "payment_code"),
        "6212345678901234567": (422, "payment_code"),
        "281234567890123456": (422, "payment_code"),
    }
    assert {code: outcome(shop.till.scan(code)) for code in codes} == codes
    assert shop.till.scan(good).status_code == 201


def test_a_genuine_code_of_nobody_is_forged(shop: Shop) -> None:
    code = scan_codes.issue(shop.parts.issuer.ring, 999_999_999, scan_codes.step_of(clock.now()))
    assert outcome(shop.till.scan(code)) == (422, "code_forged")


def test_a_refused_scan_writes_nothing(shop: Shop, engine: Engine) -> None:
    shop.till.scan(shop.code(shop.member(), steps=-5))
    shop.till.scan("134567890123456789")
    for table in ("scan_tickets", "code_uses", "idempotency_keys"):
        assert rows(engine, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_scanner_may_add_its_padding_and_groups(shop: Shop) -> None:
    code = shop.code(shop.member())
    spaced = " ".join(code[i : i + 4] for i in range(0, 20, 4))
    assert shop.till.scan(f"\x1d{spaced}\r\n").status_code == 201


def test_a_code_is_taken_from_the_first_instant_of_its_window_to_the_last(shop: Shop) -> None:
    till, start = till_of(shop.till), scan_codes.step_starts_at(scan_codes.step_of(clock.now()))
    opens, ends = (
        scan_codes.valid_from(scan_codes.step_of(start)),
        scan_codes.valid_until(scan_codes.step_of(start)),
    )
    early, late = shop.member(), shop.member()
    with pytest.raises(CodeNotYet):
        scan_at(shop, till, shop.code(early, at=start), opens - US)
    assert scan_at(shop, till, shop.code(early, at=start), opens).ticket
    with pytest.raises(CodeExpired):
        scan_at(shop, till, shop.code(late, at=start), ends)
    assert scan_at(shop, till, shop.code(late, at=start), ends - US).ticket


def set_status(engine: Engine, phone: Phone, status: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET status = :status WHERE id = :id"),
            {"status": status, "id": phone.member_id},
        )


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_member_who_is_not_active_cannot_be_scanned_and_keeps_the_code(
    shop: Shop, engine: Engine, status: str
) -> None:
    phone = shop.member()
    set_status(engine, phone, status)
    assert outcome(shop.till.scan(shop.code(phone))) == (409, "member_not_active")
    set_status(engine, phone, "active")
    assert shop.till.scan(shop.code(phone)).status_code == 201


def test_a_renewed_code_replaces_the_old_one(shop: Shop) -> None:
    phone = shop.member()
    old = phone.post("/me/code", json={}).json["code"]
    new = phone.post("/me/code", json={"renew": True}).json["code"]
    assert new != old
    assert outcome(shop.till.scan(old)) == (410, "code_revoked")
    assert shop.till.scan(new).status_code == 201


def test_a_ticket_is_good_at_its_own_till_only(shop: Shop) -> None:
    other = shop.add_till("S001", "T2")
    ticket = shop.till.ticket(shop.code(shop.member()))
    assert outcome(other.sell(ticket, 100)) == (404, "ticket_unknown")
    assert shop.till.sell(ticket, 100).status_code == 201


def test_a_ticket_is_good_for_its_own_clerk_only(shop: Shop) -> None:
    anna = shop.person("anna", Grant("clerk", shop.store.id)).staff_no
    bert = shop.person("bert", Grant("clerk", shop.store.id)).staff_no
    ticket = shop.till.post("/scans", {"code": shop.code(shop.member()), "staff_no": anna}).json["ticket"]

    def sell(staff_no: str | None) -> tuple[int, str]:
        body = {"ticket": ticket, "receipt_no": uuid.uuid4().hex, "amount_fen": 1, "staff_no": staff_no}
        return outcome(shop.till.post("/sales", {k: v for k, v in body.items() if v is not None}))

    assert sell(None) == (404, "ticket_unknown")
    assert sell(bert) == (404, "ticket_unknown")
    assert sell(anna)[0] == 201


def test_a_clerk_of_another_store_cannot_scan_here(shop: Shop) -> None:
    elsewhere = shop.open_store("S002")
    eve = shop.person("eve", Grant("clerk", elsewhere.id)).staff_no
    answer = shop.till.post("/scans", {"code": shop.code(shop.member()), "staff_no": eve})
    assert outcome(answer) == (403, "forbidden")


def test_tickets_and_uses_are_forgotten_together(shop: Shop, engine: Engine) -> None:
    shop.till.ticket(shop.code(shop.member()))
    assert story.prune(before=clock.now() - timedelta(minutes=1)) == 0
    assert story.prune(before=clock.now() + timedelta(seconds=1)) == 1
    assert rows(engine, "SELECT count(*) FROM code_uses") == [(0,)]


def test_a_replay_is_refused_within_the_story_too(shop: Shop) -> None:
    till, now, phone = till_of(shop.till), clock.now(), shop.member()
    scan_at(shop, till, shop.code(phone, at=now), now)
    with pytest.raises(CodeReplayed):
        scan_at(shop, till, shop.code(phone, at=now), now)
