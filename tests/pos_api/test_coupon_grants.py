"""A clerk gives a coupon to the member in front of them, and no more on a day than one may."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.checkout import grant_coupon
from app.engagement import referral_staff
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.adjusting import member_no
from tests.app.stored_value.offering import ticket
from tests.conftest import rows
from tests.coupons import live_template
from tests.phones import bound
from tests.racing import race
from tests.shop import BOSS, Phone, Shop, TillClient

THREE = {"per_clerk_a_day": 3}


@pytest.fixture
def clerk(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def given(
    shop: Shop, template: str, clerk: StaffView, phone: Phone, *, till: TillClient | None = None, **more: Any
) -> Any:
    key = more.pop("key", None)
    body = {"template_id": template, "staff_no": clerk.staff_no, **more}
    if "ticket" not in body:
        body["ticket"] = ticket(shop, phone, till=till, clerk=clerk)
    return (till or shop.till).post("/coupon-grants", body, idempotency_key=key)


def test_a_clerk_gives_a_coupon_to_who_is_there(shop: Shop, clerk: StaffView, engine: Engine) -> None:
    template = live_template(clock.now(), terms=THREE)
    phone = shop.member()
    here = ticket(shop, phone, clerk=clerk)
    answer = given(shop, template, clerk, phone, ticket=here, key="k")
    assert answer.status_code == 201, answer.json
    assert (answer.json["name"], answer.json["left_today"]) == ("十元券", 2)
    assert given(shop, template, clerk, phone, ticket=here, key="k").data == answer.data
    # A ticket brings one of each template, whatever the key.
    assert given(shop, template, clerk, phone, ticket=here).json["code"] == "ticket_used"
    told = rows(engine, "SELECT id, member_id, source, granted_by, store_id FROM coupons")
    assert told == [(answer.json["coupon_id"], phone.member_id, "clerk", clerk.id, shop.store.id)]
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action = 'coupon.give'") == [(1,)]


def test_the_limit_is_the_clerks_of_a_template_at_all_tills_together(shop: Shop, clerk: StaffView) -> None:
    template, other = live_template(clock.now(), terms=THREE), live_template(clock.now(), terms=THREE)
    second = shop.add_till("S001", "T2")
    phone = shop.member()
    tills = [shop.till, second, shop.till, second]
    answers = [given(shop, template, clerk, shop.member(), till=till) for till in tills]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409]
    assert (answers[3].json["code"], answers[3].json["limit"]) == ("coupon_clerk_limit", 3)
    assert given(shop, other, clerk, phone).status_code == 201
    colleague = shop.person("ben", Grant("clerk", shop.store.id))
    assert given(shop, template, colleague, phone).status_code == 201


def test_what_gives_nothing_away_at_tills_or_is_for_other_stores_is_refused(
    shop: Shop, clerk: StaffView
) -> None:
    other = shop.open_store("S002").id
    refusals = {
        live_template(clock.now()): (409, "coupon_clerk_limit"),
        live_template(clock.now(), terms=THREE, conditions={"stores": [other]}): (404, "not_found"),
        "0" * 26: (404, "not_found"),
        live_template(clock.now(), terms=THREE | {"state": "stopped"}): (409, "coupon_not_available"),
        live_template(clock.now(), terms=THREE, stock=0): (409, "coupons_used_up"),
    }
    for template, (status, code) in refusals.items():
        answer = given(shop, template, clerk, shop.member())
        assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_ticket_must_show_that_the_member_is_there(shop: Shop, clerk: StaffView) -> None:
    template = live_template(clock.now(), terms=THREE)
    phone = bound(shop, shop.member("陈一"))
    named = {"staff_no": clerk.staff_no}
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", **named}).json["ticket"]
    refused = given(shop, template, clerk, phone, ticket=found)
    assert (refused.status_code, refused.json["code"]) == (409, "ticket_earns_only")
    second = shop.add_till("S001", "T2")
    here = ticket(shop, phone, clerk=clerk)
    assert given(shop, template, clerk, phone, ticket=here, till=second).json["code"] == "ticket_unknown"
    ben = shop.person("ben", Grant("clerk", shop.store.id))
    other = given(shop, template, ben, phone, ticket=here)
    assert (other.json["code"], other.json["reason"]) == ("ticket_unknown", "other_clerk")
    stranger = shop.person("eve", Grant("clerk", shop.open_store("S002").id))
    assert given(shop, template, stranger, phone, ticket=here).status_code == 403
    nameless = shop.till.post("/coupon-grants", {"template_id": template, "ticket": here})
    assert nameless.status_code == 422


def of_themselves(shop: Shop, person: StaffView) -> Phone:
    """The person's own membership, as their manager has said."""
    phone, now = shop.member(), clock.now()
    referral_staff.add(staff_id=person.id, member_no=member_no(phone), boss=BOSS, now=now)
    return phone


def test_nobody_gives_a_coupon_to_their_own_membership(shop: Shop, clerk: StaffView, engine: Engine) -> None:
    template, own = live_template(clock.now(), terms=THREE), of_themselves(shop, clerk)
    refused = given(shop, template, clerk, own)
    assert (refused.status_code, refused.json["code"]) == (403, "own_membership")
    assert rows(engine, "SELECT count(*) FROM coupons") == [(0,)]
    # A colleague may, and somebody who is no clerk's membership any more is a member like any other.
    ben = shop.person("ben", Grant("clerk", shop.store.id))
    assert given(shop, template, ben, own).status_code == 201
    referral_staff.remove(staff_id=clerk.id, member_no=member_no(own), boss=BOSS, now=clock.now())
    assert given(shop, template, clerk, own).status_code == 201


def test_without_the_look_at_whose_it_is_they_would(
    shop: Shop, clerk: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(grant_coupon, "check_not_own", lambda *_: None)
    template = live_template(clock.now(), terms=THREE)
    assert given(shop, template, clerk, of_themselves(shop, clerk)).status_code == 201


def test_what_was_given_before_it_was_said_is_told_again(shop: Shop, clerk: StaffView) -> None:
    """The same key is the same gift, whatever is known of the member since."""
    template, phone = live_template(clock.now(), terms=THREE), shop.member()
    here = ticket(shop, phone, clerk=clerk)
    first = given(shop, template, clerk, phone, ticket=here, key="k")
    referral_staff.add(staff_id=clerk.id, member_no=member_no(phone), boss=BOSS, now=clock.now())
    assert given(shop, template, clerk, phone, ticket=here, key="k").data == first.data


def at_two_tills(shop: Shop, clerk: StaffView) -> list[int]:
    """One clerk at two tills, sixteen members, three coupons."""
    template = live_template(clock.now(), terms=THREE)
    tills = [shop.till, shop.add_till("S001", "T2")]
    tickets = [ticket(shop, shop.member(), till=tills[n % 2]) for n in range(16)]

    def run(n: int) -> int:
        till = TillClient(tills[n % 2].key, shop.app.test_client())
        answer = given(shop, template, clerk, None, till=till, ticket=tickets[n])  # type: ignore[arg-type]
        return int(answer.status_code)

    return sorted(race(16, run))


def test_sixteen_at_once_at_two_tills_get_no_more_than_the_clerk_may_give(
    shop: Shop, clerk: StaffView
) -> None:
    assert at_two_tills(shop, clerk) == [201] * 3 + [409] * 13


@pytest.mark.long
def test_without_one_after_another_they_would(
    shop: Shop, clerk: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(grant_coupon, "one_at_a_time", lambda *_: None)
    assert at_two_tills(shop, clerk).count(201) > 3
