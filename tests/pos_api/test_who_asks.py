"""At a register the name under a refund is only claimed, unless its PIN was typed: nobody is two people."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from app import clock, db
from app.checkout.decide import decide, vouch
from app.errors import Forbidden
from app.staff import accounts
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.conftest import rows
from tests.shop import BOSS, PASSWORD, Shop


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def eve(shop: Shop) -> StaffView:
    """The manager, who has the register to herself in the evening."""
    return shop.person("eve", Grant("manager", shop.store.id))


@pytest.fixture
def paul(shop: Shop) -> StaffView:
    return shop.person("paul", Grant("manager", shop.store.id))


def refund(shop: Shop, named: dict[str, str], amount_fen: int = 30_000, **asked: Any) -> Any:
    sale = shop.till.sell(None, amount_fen).json
    body = {"refund_no": uuid.uuid4().hex, "reason": "returned", **named, **asked}
    return shop.till.post(f"/sales/{sale['id']}/refunds", body)


def claimed(who: StaffView) -> dict[str, str]:
    return {"staff_no": who.staff_no}


def agree(approval_id: str, who: StaffView) -> str:
    return decide(approval_id=approval_id, agree=True, stores=None, staff_id=who.id, now=clock.now())


def refunded(engine: Engine) -> int:
    return len(rows(engine, "SELECT id FROM refunds"))


def test_a_manager_who_asks_in_a_clerks_name_does_not_get_it_alone(
    shop: Shop, engine: Engine, anna: StaffView, eve: StaffView
) -> None:
    asked = refund(shop, claimed(anna)).json
    assert asked["state"] == "pending"
    assert agree(asked["approval_id"], eve) == "vouch"
    assert refunded(engine) == 0
    with pytest.raises(Forbidden) as refused:
        agree(asked["approval_id"], eve)
    assert (refused.value.code, refunded(engine)) == ("approver_vouched", 0)


def test_two_others_are_enough_for_a_register_without_pins(
    shop: Shop, engine: Engine, anna: StaffView, eve: StaffView, paul: StaffView
) -> None:
    asked = refund(shop, claimed(anna)).json
    assert [agree(asked["approval_id"], who) for who in (eve, paul)] == ["vouch", "approve"]
    assert refunded(engine) == 1


def test_so_is_the_clerks_own_word(shop: Shop, engine: Engine, anna: StaffView, eve: StaffView) -> None:
    asked = refund(shop, claimed(anna)).json
    head = {"Authorization": f"Bearer {staff_token(anna.id)}"}
    client = shop.app.test_client()
    path = f"/office/v1/approvals/{asked['approval_id']}"
    assert client.post(f"{path}/vouch", headers=head).status_code == 204
    head = {"Authorization": f"Bearer {staff_token(eve.id)}"}
    [shown] = client.get("/office/v1/approvals", headers=head).json["items"]
    assert (shown["requester_proven"], shown["vouched_by"]) == (False, anna.staff_no)
    assert client.post(f"{path}/decision", headers=head, json={"agree": True}).status_code == 204
    assert refunded(engine) == 1


def test_after_a_manager_spoke_for_it_the_clerks_word_lets_that_manager_approve(
    shop: Shop, engine: Engine, anna: StaffView, eve: StaffView
) -> None:
    asked = refund(shop, claimed(anna)).json
    head = {"Authorization": f"Bearer {staff_token(eve.id)}"}
    path = f"/office/v1/approvals/{asked['approval_id']}/decision"
    waits = shop.app.test_client().post(path, headers=head, json={"agree": True})
    assert (waits.status_code, waits.json) == (202, {"approval_id": asked["approval_id"], "why": []})
    vouch(approval_id=asked["approval_id"], staff_id=anna.id, now=clock.now())
    assert agree(asked["approval_id"], eve) == "approve"
    assert refunded(engine) == 1


def test_with_the_pin_one_other_person_is_enough(
    shop: Shop, engine: Engine, anna: StaffView, eve: StaffView
) -> None:
    asked = refund(shop, shop.proof(anna), 60_000).json
    assert (asked["state"], agree(asked["approval_id"], eve)) == ("pending", "approve")
    assert refunded(engine) == 1


def test_asked_again_with_the_pin_it_is_proven(shop: Shop, anna: StaffView, eve: StaffView) -> None:
    sale = shop.till.sell(None, 60_000).json
    body = {"refund_no": "R-1", "reason": "returned", **claimed(anna)}
    path = f"/sales/{sale['id']}/refunds"
    first = shop.till.post(path, body).json
    again = shop.till.post(path, body | shop.proof(anna)).json
    assert again["approval_id"] == first["approval_id"]
    assert agree(first["approval_id"], eve) == "approve"


def test_named_only_a_clerk_gives_back_little_alone(shop: Shop, anna: StaffView) -> None:
    assert refund(shop, claimed(anna), 10_000).json["state"] == "done"
    assert refund(shop, claimed(anna), 10_001).json["state"] == "pending"
    assert refund(shop, shop.proof(anna), 50_000).json["state"] == "done"


def test_a_wrong_pin_is_no_request_and_the_same_key_serves_the_right_one(
    shop: Shop, engine: Engine, anna: StaffView
) -> None:
    shop.pin(anna)
    sale = shop.till.sell(None, 30_000).json
    body = {"refund_no": "R-1", "reason": "returned", **claimed(anna)}
    path = f"/sales/{sale['id']}/refunds"
    wrong = shop.till.post(path, body | {"staff_pin": "999111"}, "one-key")
    assert (wrong.status_code, wrong.json["code"]) == (403, "staff_pin_wrong")
    right = shop.till.post(path, body | shop.proof(anna), "one-key")
    assert (right.status_code, right.json["state"]) == (201, "done")
    assert shop.till.post(path, body, "one-key").json == right.json
    assert rows(engine, "SELECT count(*) FROM approval_requests") == [(0,)]


def test_nobody_without_a_pin_has_one_that_fits(shop: Shop, anna: StaffView) -> None:
    for named in (claimed(anna), {"staff_no": "NOBODY"}):
        answer = refund(shop, {**named, "staff_pin": "271828"})
        assert (answer.status_code, answer.json["code"]) == (403, "staff_pin_wrong")


def test_which_numbers_there_are_is_not_told(shop: Shop, anna: StaffView) -> None:
    """Of a marketer's number, who may not sell, a till learns as much as of nobody's."""
    mara = shop.person("mara", Grant("marketer", None))
    told = []
    for number in (mara.staff_no, "NOBODY"):
        sale = {"receipt_no": "R-9", "amount_fen": 100, "staff_no": number}
        answer = shop.till.post("/sales", sale).json
        told.append({name: value for name, value in answer.items() if name not in ("request_id", "instance")})
    assert told[0] == told[1]
    assert told[0]["code"] == "forbidden"


def test_guessing_ends_soon_at_that_till_and_others_go_on(
    shop: Shop, anna: StaffView, eve: StaffView
) -> None:
    shop.pin(anna)
    codes = [refund(shop, {**claimed(anna), "staff_pin": f"99911{n}"}).status_code for n in range(7)]
    assert codes == [403] * 5 + [429] * 2
    assert refund(shop, shop.proof(anna)).status_code == 429
    assert refund(shop, shop.proof(eve)).json["state"] == "done"
    assert refund(shop, claimed(anna), 1_000).json["state"] == "done"


def test_over_all_tills_together_there_are_few_guesses(shop: Shop, anna: StaffView) -> None:
    shop.pin(anna)
    tills = [shop.add_till("S001", f"T{n}") for n in range(2, 8)]
    seen = []
    for till in tills:
        for guess in range(4):
            body = {
                "refund_no": "R",
                "reason": "returned",
                "staff_no": anna.staff_no,
                "staff_pin": f"99911{guess}",
            }
            seen.append(till.post("/sales/nothing/refunds", body).status_code)
    assert seen == [403] * 20 + [429] * 4


class TestSettingIt:
    def post(self, shop: Shop, who: StaffView, pin: str, password: str = PASSWORD) -> Any:
        head = {"Authorization": f"Bearer {staff_token(who.id)}"}
        body = {"password": password, "pin": pin}
        return shop.app.test_client().post("/office/v1/me/pin", headers=head, json=body)

    def test_with_ones_password(self, shop: Shop, anna: StaffView) -> None:
        assert self.post(shop, anna, "271828").status_code == 204
        assert refund(shop, {**claimed(anna), "staff_pin": "271828"}).json["state"] == "done"
        wrong = self.post(shop, anna, "314159", "not my password")
        assert (wrong.status_code, wrong.json["code"]) == (422, "current_password_wrong")

    @pytest.mark.parametrize(
        "pin", ["27182", "2718281", "27182a", "٢٧١٨٢٨", "111111", "112112", "234567", "543210"]
    )
    def test_not_too_simple(self, shop: Shop, anna: StaffView, pin: str) -> None:
        refused = self.post(shop, anna, pin)
        assert (refused.status_code, refused.json["code"]) == (422, "staff_pin_too_weak")

    def test_a_manager_takes_it_away_and_stays_independent(
        self, shop: Shop, engine: Engine, anna: StaffView, eve: StaffView
    ) -> None:
        asked = refund(shop, shop.proof(anna), 60_000).json
        head = {"Authorization": f"Bearer {staff_token(eve.id)}"}
        path = f"/office/v1/staff/{anna.id}/pin-reset"
        assert shop.app.test_client().post(path, headers=head).status_code == 204
        gone = refund(shop, {**claimed(anna), "staff_pin": "271828"})
        assert (gone.status_code, gone.json["code"]) == (403, "staff_pin_wrong")
        assert agree(asked["approval_id"], eve) == "approve"

    def test_a_new_temporary_password_ends_it(self, shop: Shop, anna: StaffView) -> None:
        named = shop.proof(anna)
        accounts.reset_password(staff_id=anna.id, boss=BOSS, now=clock.now())
        assert refund(shop, named).json["code"] == "staff_pin_wrong"


def test_the_pin_is_nowhere_to_be_read(shop: Shop, engine: Engine, anna: StaffView) -> None:
    """Not in what is kept of the request either: that could be tried out."""
    shop.pin(anna)
    sale = shop.till.sell(None, 30_000).json
    body = {"refund_no": "R-1", "reason": "returned", **claimed(anna)}
    path = f"/sales/{sale['id']}/refunds"
    shop.till.post(path, body | shop.proof(anna), "with")
    answered = shop.till.post(path, body, "with")
    assert answered.status_code == 201


def test_the_database_wants_two_people_too(
    shop: Shop, engine: Engine, anna: StaffView, eve: StaffView
) -> None:
    asked = refund(shop, claimed(anna)).json["approval_id"]
    for spoken in (None, eve.id):
        with (
            pytest.raises(IntegrityError, match="ck_approval_requests_vouched"),
            db.engine().begin() as connection,
        ):
            connection.execute(
                text("UPDATE approval_requests SET state = 'approved', vouched_by = :spoken, decided_by = :eve,"
                     " decided_at = now() WHERE id = :id"),
                {"spoken": spoken, "eve": eve.id, "id": asked},
            )  # fmt: skip
