"""What members see of themselves and may change, over HTTP."""

from tests.conftest import rows
from tests.shop import Phone, Shop

VISIBLE = {
    "member_no",
    "name",
    "language",
    "birthday",
    "marketing_opt_out",
    "phone",
    "tier",
    "points",
    "balance_fen",
    "joined_on",
    "home_store",
}


def test_members_see_themselves_and_no_internal_number(shop: Shop) -> None:
    phone = shop.member("张三丰")

    answer = phone.get("/me")

    assert set(answer.json) == VISIBLE
    assert answer.json["tier"] == {"code": "normal", "name": "普通会员"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_patch_and_post_change_what_is_given_and_leave_the_rest(shop: Shop) -> None:
    phone = shop.member("张三丰")

    changed = phone.patch("/me", json={"birthday": "1990-05-17"}).json
    again = phone.post("/me", json={"language": "en", "marketing_opt_out": True}).json

    assert (changed["name"], changed["birthday"]) == ("张三丰", "1990-05-17")
    assert again == {**changed, "language": "en", "marketing_opt_out": True}
    assert phone.get("/me").json == again
    assert phone.patch("/me", json={}).json == again


def test_a_name_is_cleaned_kept_and_can_be_taken_back(shop: Shop) -> None:
    phone = shop.member()

    assert phone.patch("/me", json={"name": " 张\u200b三\u202e "}).json["name"] == "张三"
    refused = phone.patch("/me", json={"name": "张\n三"})
    assert (refused.status_code, refused.json["code"], refused.json["longest"]) == (
        422,
        "name_impossible",
        32,
    )
    assert phone.patch("/me", json={"name": "张" * 33}).json["code"] == "name_impossible"
    assert phone.get("/me").json["name"] == "张三"
    assert phone.patch("/me", json={"name": ""}).json["name"] == ""


def test_a_birthday_is_set_once(shop: Shop) -> None:
    phone = shop.member()

    young = phone.patch("/me", json={"birthday": "2026-01-01", "name": "张三"})
    assert (young.status_code, young.json["code"]) == (422, "birthday_impossible")
    assert phone.get("/me").json["name"] == ""

    assert phone.patch("/me", json={"birthday": "1996-02-29"}).status_code == 200
    assert phone.patch("/me", json={"birthday": "1996-02-29"}).status_code == 200
    other = phone.patch("/me", json={"birthday": "1996-03-01"})
    assert (other.status_code, other.json["code"]) == (409, "birthday_already_set")


REFUSED = [
    {"name": None},
    {"name": 7},
    {"name": ["张"]},
    {"name": "x" * 201},
    {"birthday": None},
    {"birthday": "17.5.1990"},
    {"birthday": "1990-02-30"},
    {"birthday": "1997-02-29"},
    {"birthday": "1990-05-17T00:00:00Z"},
    {"birthday": "99999-01-01"},
    {"birthday": 19900517},
    {"birthday": 631152000},
    {"birthday": True},
    {"language": "fr"},
    {"language": "ZH"},
    {"language": None},
    {"marketing_opt_out": 1},
    {"marketing_opt_out": 0},
    {"marketing_opt_out": "true"},
    {"marketing_opt_out": None},
    {"marketing_opt_out": []},
    {"id": 1},
    {"member_no": "1"},
    {"status": "active"},
    {"tier_id": 2},
    {"points": 10},
    {"phone": "138"},
    {"phone_cipher": ""},
    {"joined_on": "2020-01-01"},
    {"__class__": "x"},
]


def test_what_is_not_the_members_to_change_is_refused(shop: Shop, engine) -> None:
    phone = shop.member("张三丰")
    before = rows(engine, "SELECT m::text FROM members m")

    for body in REFUSED:
        for send in (phone.patch, phone.post):
            answer = send("/me", json={"name": "李四", **body})
            assert (answer.status_code, answer.json["code"]) == (422, "validation_failed"), body

    assert rows(engine, "SELECT m::text FROM members m") == before


def test_one_member_cannot_reach_another(shop: Shop) -> None:
    mine, other = shop.member("张三"), shop.member("李四")

    mine.patch("/me?member_id=2", json={"name": "王五"})

    assert other.get("/me").json["name"] == "李四"
    assert mine.get("/me").json["name"] == "王五"
    assert isinstance(mine, Phone)
