"""A sale's receipt, from the till to the member's phone."""

from datetime import timedelta

import pytest

from app import clock
from tests.app.ledger.books import move, points
from tests.messaging import RECEIPT, Post, reckoned_up


def test_a_member_who_agreed_gets_the_receipt_on_their_phone_once(post: Post) -> None:
    member = post.person("alice", credits=2)
    sale = post.buy(member, 12_345)

    post.relay_and_send()
    post.relay_and_send()

    [message] = post.wechat.received("alice")
    assert message["values"]["thing1"] == "门店 S001"
    assert message["values"]["amount2"] == "¥123.45"
    assert message["values"]["number3"] == "123"
    assert message["values"]["time4"].startswith("20")
    assert message["template_id"] == RECEIPT
    assert (message["lang"], message["page"]) == ("zh_CN", "pages/points/index")
    assert post.credits(member) == 1
    assert post.inbox(member) == []
    assert reckoned_up(post) == {"sent": 1}
    [(subject, payload)] = post.rows("SELECT subject, payload FROM facts WHERE kind = 'sale_completed'")
    assert subject == sale["id"]
    assert payload == {
        "store_id": post.shop.store.id,
        "amount_fen": 12_345,
        "points_earned": 123,
        "points_after": 123,
        "pending": 0,
        "pending_from": None,
    }


def test_the_receipt_is_in_the_language_of_the_member_and_the_time_of_the_store(post: Post) -> None:
    post.shop.open_store("NYC", "America/New_York")
    till = post.shop.add_till("NYC", "T1")
    member = post.person("bob", language="en", credits=1)
    sale = till.sell(till.ticket(post.shop.code(member)), 500)
    assert sale.status_code == 201

    post.relay_and_send()

    [message] = post.wechat.received("bob")
    assert message["lang"] == "en_US"
    [(local,)] = post.rows(
        "SELECT to_char(occurred_at AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI') FROM sales"
    )
    assert message["values"]["time4"] == local


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("zh", "您在门店 S001消费¥120.00，获得120积分，可用积分120。"),
        ("en", "You spent ¥120.00 at 门店 S001. Points earned: 120. Points available: 120."),
    ],
)
def test_a_member_who_did_not_agree_finds_the_receipt_in_the_inbox(
    post: Post, language: str, body: str
) -> None:
    member = post.person("carol", language=language)
    post.buy(member)

    post.relay_and_send()

    assert post.wechat.calls() == 0
    [item] = post.inbox(member, headers={"Accept-Language": language})
    assert (item["kind"], item["body"], item["read"]) == ("receipt", body, False)
    assert member.post(f"/me/messages/{item['id']}/read").status_code == 204
    assert member.post(f"/me/messages/{item['id']}/read").status_code == 204
    assert post.inbox(member)[0]["read"] is True
    assert reckoned_up(post) == {"sent": 1}


def test_a_sale_that_earns_nothing_still_tells_the_right_points(post: Post) -> None:
    member = post.person("dora")
    post.buy(member, 5_000)
    till = post.shop.till
    assert till.sell(till.ticket(post.shop.code(member, steps=1)), 90).status_code == 201

    post.relay_and_send()

    bodies = [item["body"] for item in post.inbox(member, headers={"Accept-Language": "zh"})]
    assert "您在门店 S001消费¥0.90，获得0积分，可用积分50。" in bodies


def test_points_that_wait_are_told_apart_whether_or_not_the_sale_earned(post: Post) -> None:
    member, till = post.person("erin"), post.shop.till
    move(points(member.member_id, 7, available_at=clock.now() + timedelta(days=1)), at=clock.now())
    post.buy(member, 12_000)
    assert till.sell(till.ticket(post.shop.code(member, steps=1)), 90).status_code == 201

    post.relay_and_send()

    for language, told in (
        ("zh", "可用积分120。另有待生效积分7。"),
        ("en", "Points available: 120. Points pending: 7."),
    ):
        bodies = [item["body"] for item in post.inbox(member, headers={"Accept-Language": language})]
        assert [body.endswith(told) for body in bodies] == [True, True]


def test_a_message_of_another_member_is_neither_shown_nor_marked(post: Post) -> None:
    member, other = post.person("erin"), post.person("frank")
    post.buy(member)
    post.relay_and_send()
    [item] = post.inbox(member)

    assert post.inbox(other) == []
    assert other.post(f"/me/messages/{item['id']}/read").status_code == 404
    assert post.inbox(member)[0]["read"] is False


def test_reading_a_strange_message_id_is_not_found(post: Post) -> None:
    member = post.person("gina")
    for strange in ("nobody", "%00", "x" * 500, "会员"):
        assert member.post(f"/me/messages/{strange}/read").status_code == 404


def test_the_inbox_is_turned_page_by_page(post: Post) -> None:
    member = post.person("hans")
    post.facts([member.member_id], each=5)
    post.relay_and_send()

    first = member.get("/me/messages?limit=3").json
    second = member.get(f"/me/messages?limit=3&cursor={first['next_cursor']}").json

    assert [len(first["items"]), len(second["items"])] == [3, 2]
    assert second["next_cursor"] is None
    assert len({item["id"] for item in first["items"] + second["items"]}) == 5


def test_an_identity_of_another_mini_program_is_not_written_to(post: Post) -> None:
    member = post.person("ida", app_id="wx-of-a-former-brand")
    post.grant(member, 1)
    post.buy(member)

    post.relay_and_send()

    assert post.wechat.calls() == 0
    assert len(post.inbox(member)) == 1
