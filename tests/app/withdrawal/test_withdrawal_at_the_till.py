"""Who takes consent back is no member at any till from that moment, whatever a phone or a clerk still holds."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.checkout import member_code
from app.checkout import scan as scanning
from app.checkout.scan import CodeRevoked
from app.errors import Unauthenticated
from app.identity import consent
from app.members.consent import agree
from app.withdrawal import withdraw
from tests.app.checkout.till_side import scan_at, till_of
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop


def come_back(phone: Phone) -> None:
    """As logging in with consent does it."""
    with db.transaction() as session:
        agree(session, phone.member_id, policy_version="2026-01", source="telegram", now=clock.now())


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json.get("code", "")


def test_no_code_of_a_pack_is_taken_any_more_even_when_its_time_comes(shop: Shop) -> None:
    phone, till, now = shop.member(), till_of(shop.till), clock.now()
    pack = member_code.supply(issuer=shop.parts.issuer, member_id=phone.member_id, count=20, now=now)
    assert len(pack) == 20

    withdraw(member_id=phone.member_id, now=now)

    for shown in pack:
        with pytest.raises(CodeRevoked):
            scan_at(shop, till, shown.code, shown.valid_from + timedelta(seconds=35))


def test_a_pack_handed_out_after_a_renewal_is_void_as_well(shop: Shop) -> None:
    phone, till, now = shop.member(), till_of(shop.till), clock.now()
    member_code.renew(issuer=shop.parts.issuer, member_id=phone.member_id, now=now)
    pack = member_code.supply(issuer=shop.parts.issuer, member_id=phone.member_id, count=20, now=now)

    withdraw(member_id=phone.member_id, now=now)

    with pytest.raises(CodeRevoked):
        scan_at(shop, till, pack[-1].code, pack[-1].valid_from + timedelta(seconds=35))


def test_a_ticket_that_was_open_earns_nothing_any_more(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    ticket = shop.till.ticket(shop.code(phone))

    withdraw(member_id=phone.member_id, now=clock.now())

    assert outcome(shop.till.sell(ticket, 10_000)) == (410, "ticket_expired")
    assert rows(engine, "SELECT id FROM sales") == []


def test_the_tickets_of_others_stay_open(shop: Shop) -> None:
    phone, other = shop.member(), shop.member()
    ticket = shop.till.ticket(shop.code(other))
    withdraw(member_id=phone.member_id, now=clock.now())
    assert shop.till.sell(ticket, 10_000).status_code == 201


def _scanned_around_a_withdrawal(shop: Shop, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ticket of a scan that looked at the member before the withdrawal and took the code after it."""
    take = scanning._take

    def late(*given: Any) -> None:
        other = threading.Thread(
            target=withdraw, kwargs={"member_id": phone.member_id, "now": clock.now()}, daemon=True
        )
        other.start()
        other.join(60)
        assert not other.is_alive()
        take(*given)

    monkeypatch.setattr(scanning, "_take", late)
    return shop.till.ticket(shop.code(phone))


def test_a_scan_that_was_running_gives_a_ticket_that_earns_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = shop.member()
    ticket = _scanned_around_a_withdrawal(shop, phone, monkeypatch)
    assert outcome(shop.till.sell(ticket, 10_000)) == (410, "ticket_expired")


def test_without_the_status_such_a_ticket_would_earn(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    ticket = _scanned_around_a_withdrawal(shop, shop.member(), monkeypatch)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE members SET status = 'active'")
    assert shop.till.sell(ticket, 10_000).status_code == 201


def test_sixteen_members_who_withdraw_while_they_are_scanned_earn_nothing_afterwards(shop: Shop) -> None:
    phones = [shop.member() for _ in range(16)]
    codes = [shop.code(phone) for phone in phones]

    def run(number: int) -> str | None:
        if number % 2:
            withdraw(member_id=phones[number // 2].member_id, now=clock.now())
            return None
        answer = shop.till.scan(codes[number // 2])
        assert outcome(answer) in ((201, ""), (410, "code_revoked"))
        return str(answer.json["ticket"]) if answer.status_code == 201 else None

    tickets = [ticket for ticket in race(32, run) if ticket]

    assert {outcome(shop.till.sell(ticket, 10_000)) for ticket in tickets} <= {(410, "ticket_expired")}


def test_whoever_agrees_again_is_taken_at_once_with_a_new_code_and_not_with_an_old_one(shop: Shop) -> None:
    phone, till, now = shop.member(), till_of(shop.till), clock.now()
    old = shop.code(phone, at=now)
    withdraw(member_id=phone.member_id, now=now)

    come_back(phone)

    new = member_code.current(issuer=shop.parts.issuer, member_id=phone.member_id, now=clock.now())
    assert shop.till.scan(new.code).status_code == 201
    with pytest.raises(CodeRevoked):
        scan_at(shop, till, old, now)


def test_withdrawing_twice_is_once(shop: Shop, engine: Engine) -> None:
    phone, stored = shop.member(), "SELECT status, codes_valid_from_step FROM members"
    withdraw(member_id=phone.member_id, now=clock.now())
    once = rows(engine, stored)

    withdraw(member_id=phone.member_id, now=clock.now() + timedelta(minutes=5))

    assert rows(engine, stored) == once
    assert once[0][0] == "withdrawn"
    assert rows(engine, "SELECT count(*) FROM consents WHERE action = 'withdrawn'") == [(1,)]


def test_a_membership_that_was_frozen_meanwhile_stays_frozen(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE members SET status = 'frozen'")

    withdraw(member_id=phone.member_id, now=clock.now())
    come_back(phone)

    assert rows(engine, "SELECT status FROM members") == [("frozen",)]


def test_a_request_under_way_cannot_undo_the_withdrawal(shop: Shop, engine: Engine) -> None:
    """Its session was good when it came in; by the time it may write, it is not."""
    phone = shop.member()
    withdraw(member_id=phone.member_id, now=clock.now())

    with pytest.raises(Unauthenticated):
        consent.give(
            member_id=phone.member_id, policy_version="2026-02", current_version="2026-02", now=clock.now()
        )

    assert rows(engine, "SELECT status FROM members") == [("withdrawn",)]
