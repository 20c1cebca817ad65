"""Feedback: a member writes, staff of the store answer, the member reads it and is told; words go with consent."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.feedback import answer as story
from app.feedback.write import FeedbackErased
from app.jobs.beats import Beat
from app.stores.setup import change_store
from app.withdrawal import withdraw
from app.work import beats
from tests.actors import Actors
from tests.conftest import rows
from tests.shop import Phone, Shop
from tests.surveys import writes


def office(actors: Actors, path: str = "", actor: str = "manager", **options: Any) -> Any:
    client = actors.shop.app.test_client()
    call = client.post if "json" in options else client.get
    return call(f"/office/v1/feedback{path}", headers=actors.headers(actor), **options)


def opened(phone: Phone, **body: Any) -> str:
    made = writes(phone, **body)
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def words(phone: Phone, thread: str) -> list[tuple[str, str | None]]:
    return [(one["author"], one["body"]) for one in phone.get(f"/feedback/{thread}/messages").json["items"]]


def work(shop: Shop) -> None:
    """One round of what every worker does."""
    names = {"facts.relay", "messages.inbox"}
    todo: list[Beat] = [one for one in beats(shop.parts, clock.now, lambda: True) if one.name in names]
    for beat in todo:
        beat.run(clock.now())


def test_a_thread_goes_back_and_forth(shop: Shop, actors: Actors, engine: Engine) -> None:
    phone = shop.member("王小明")
    thread = opened(phone, store="S001", body="排队太久\n等了半小时")
    [listed] = office(actors, "?state=open").json["items"]
    assert (listed["id"], listed["store"], listed["first"]) == (thread, "S001", "排队太久\n等了半小时")
    assert "小明" not in listed["member"]
    assert listed["member_no"].startswith("****")

    answered = office(actors, f"/{thread}/answer", json={"version": 1, "body": "抱歉，已加派人手。"})

    assert (answered.json["state"], answered.json["version"]) == ("answered", 2)
    [mine] = phone.get("/feedback").json["items"]
    assert (mine["state"], mine["unread"]) == ("answered", 1)
    assert words(phone, thread) == [("member", "排队太久\n等了半小时"), ("staff", "抱歉，已加派人手。")]
    assert office(actors, f"/{thread}/messages").json["items"][1]["staff"] == "Manager-1"
    assert phone.post(f"/feedback/{thread}/read").status_code == 204
    assert phone.get(f"/feedback/{thread}").json["unread"] == 0
    assert writes(phone, f"/feedback/{thread}/messages", body="谢谢").json["message_no"] == 3
    assert phone.get(f"/feedback/{thread}").json["state"] == "open"
    assert rows(engine, "SELECT action FROM audit_log WHERE action LIKE 'feedback%'") == [
        ("feedback.answer",)
    ]


def test_the_member_finds_a_message_of_the_answer_and_not_the_answer_in_it(
    shop: Shop, actors: Actors, engine: Engine
) -> None:
    phone = shop.member()
    thread = opened(phone, store="S001")
    office(actors, f"/{thread}/answer", json={"version": 1, "body": "秘密"})
    work(shop)
    [told] = phone.get("/me/messages").json["items"]
    assert (told["kind"], told["title"]) == ("feedback_answered", "反馈回复通知")
    assert "秘密" not in told["body"]


def test_nobody_answers_past_what_was_just_written(shop: Shop, actors: Actors) -> None:
    phone = shop.member()
    thread = opened(phone, store="S001")
    writes(phone, f"/feedback/{thread}/messages", body="还有一件事")
    late = office(actors, f"/{thread}/answer", json={"version": 1, "body": "好的"})
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)


def test_closed_is_closed_until_somebody_opens_it(shop: Shop, actors: Actors) -> None:
    phone = shop.member()
    thread = opened(phone, store="S001")
    closed = office(actors, f"/{thread}/answer", json={"version": 1, "body": "好的", "close": True})
    assert closed.json["state"] == "closed"
    more = office(actors, f"/{thread}/answer", json={"version": 2, "body": "又及"})
    assert (more.status_code, more.json["code"]) == (409, "feedback_closed")
    assert office(actors, f"/{thread}/reopen", json={"version": 2}).json["state"] == "open"
    assert office(actors, f"/{thread}/close", json={"version": 3}).json["state"] == "closed"
    assert writes(phone, f"/feedback/{thread}/messages", body="不满意").status_code == 201
    assert phone.get(f"/feedback/{thread}").json["state"] == "open"


def test_it_is_for_the_store_it_names_and_else_for_whoever_answers_for_all(
    shop: Shop, actors: Actors
) -> None:
    phone = shop.member()
    here, there, nowhere = opened(phone, store="S001"), opened(phone, store="S002"), opened(phone)
    assert [one["id"] for one in office(actors).json["items"]] == [here]
    assert [one["id"] for one in office(actors, actor="admin").json["items"]] == [here, there, nowhere]
    for thread in (there, nowhere):
        for path in (f"/{thread}", f"/{thread}/messages"):
            assert office(actors, path).status_code == 404
        assert office(actors, f"/{thread}/answer", json={"version": 1, "body": "x"}).status_code == 404
    assert office(actors, actor="clerk").status_code == 403
    assert actors.b.get(f"/feedback/{here}").status_code == 404
    assert actors.b.get(f"/feedback/{here}/messages").status_code == 404
    assert writes(actors.b, f"/feedback/{here}/messages").status_code == 404
    assert actors.b.post(f"/feedback/{here}/read").status_code == 404


def test_it_may_be_about_a_purchase_of_ones_own(shop: Shop, actors: Actors) -> None:
    phone = shop.member()
    sale = shop.till.sell(shop.till.ticket(shop.code(phone)), 5_000).json["id"]
    thread = phone.get(f"/feedback/{opened(phone, sale=sale)}").json
    assert (thread["store"], thread["sale"]) == ("S001", sale)
    refused = writes(shop.member(), sale=sale)
    assert (refused.status_code, refused.json["code"]) == (422, "sale_not_yours")
    assert writes(phone, store="S999").status_code == 404
    # Nor does a store learn of what was bought in another.
    elsewhere = writes(phone, store="S002", sale=sale)
    assert (elsewhere.status_code, elsewhere.json["code"]) == (422, "sale_elsewhere")
    assert writes(phone, store="S001", sale=sale).status_code == 201


def test_the_stores_to_choose_from_are_those_that_are_open(shop: Shop, actors: Actors) -> None:
    phone = shop.member()
    shop.till.sell(shop.till.ticket(shop.code(phone)), 5_000)
    assert phone.get("/me/sales").json["items"][0]["store_code"] == "S001"
    names = {"name": None, "version": 1, "actor": OPERATOR, "now": clock.now()}
    first = phone.get("/stores?limit=1").json
    assert [one["store"] for one in first["items"]] == ["S001"]
    rest = phone.get(f"/stores?cursor={first['next_cursor']}").json
    assert [one["store"] for one in rest["items"]] == ["S002"]
    change_store(code="S002", status="closed", **names)
    assert [one["store"] for one in phone.get("/stores").json["items"]] == ["S001"]


def test_words_are_bounded(shop: Shop) -> None:
    phone = shop.member()
    for body in ("", "  \n ", "x" * 1001, "a\x07b"):
        assert writes(phone, body=body).json["code"] == "validation_failed"


def test_ten_threads_a_day_are_enough(shop: Shop) -> None:
    phone = shop.member()
    assert [writes(phone).status_code for _ in range(11)] == [201] * 10 + [429]


def test_the_same_key_gives_the_same_thread_whatever_was_written_today(shop: Shop) -> None:
    phone, body = shop.member(), {"category": "app", "body": "闪退"}

    def opens(n: int) -> Any:
        return phone.post("/feedback", json=body, headers={"Idempotency-Key": f"k{n}"})

    made = [opens(n) for n in range(11)]
    assert [one.status_code for one in made] == [201] * 10 + [429]
    assert opens(9).data == made[9].data
    other = phone.post("/feedback", json=body | {"body": "x"}, headers={"Idempotency-Key": "k9"})
    assert other.json["code"] == "idempotency_key_reused"


def test_a_key_opens_one_thread(shop: Shop, engine: Engine) -> None:
    phone, headers = shop.member(), {"Idempotency-Key": "k"}
    body = {"category": "app", "body": "闪退"}
    first, again = (phone.post("/feedback", json=body, headers=dict(headers)) for _ in range(2))
    assert first.data == again.data
    assert rows(engine, "SELECT count(*) FROM feedback_threads") == [(1,)]


def test_words_go_with_consent(shop: Shop, actors: Actors, engine: Engine) -> None:
    phone = shop.member()
    thread = opened(phone, store="S001")
    office(actors, f"/{thread}/answer", json={"version": 1, "body": "王先生您好"})

    withdraw(member_id=phone.member_id, now=clock.now())

    assert rows(engine, "SELECT body FROM feedback_messages") == [(None,), (None,)]
    with pytest.raises(FeedbackErased):
        story.answer(
            thread_id=thread, version=3, body="x", close=False, staff_id=actors.manager.id, now=clock.now()
        )
    work(shop)
    assert rows(engine, "SELECT count(*) FROM messages") == [(0,)]
    shown = office(actors, f"/{thread}").json
    assert (shown["state"], shown["first"]) == ("erased", None)


def test_counts_by_category_store_and_month(shop: Shop, actors: Actors) -> None:
    phone = shop.member()
    for category, store in (("product", "S001"), ("product", "S001"), ("store", "S001"), ("store", "S002")):
        thread = opened(phone, category=category, store=store)
    office(actors, f"/{thread}/answer", "admin", json={"version": 1, "body": "好"})
    opened(phone, category="app")
    query = "/report?months=2"
    found = office(actors, query, "admin").json["items"]
    assert [
        (one["store"], one["category"], one["threads"], one["answered"], one["waiting"]) for one in found
    ] == [
        (None, "app", 1, 0, 1),
        ("S001", "product", 2, 0, 2),
        ("S001", "store", 1, 0, 1),
        ("S002", "store", 1, 1, 0),
    ]
    assert found[3]["first_answer_s"] is not None
    assert {one["store"] for one in office(actors, query).json["items"]} == {"S001"}
    page = office(actors, f"{query}&limit=3", "admin").json
    rest = office(actors, f"{query}&limit=3&cursor={page['next_cursor']}", "admin").json
    assert (page["items"] + rest["items"], rest["next_cursor"]) == (found, None)
    assert office(actors, "/report?months=13", "admin").status_code == 422
