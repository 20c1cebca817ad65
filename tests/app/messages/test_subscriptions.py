"""Which templates a member is asked for, and what the phone's word is worth with WeChat's events and without."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import clock, idempotency
from app.messages import subscriptions
from app.messages.models import MOMENTS
from app.messages.preferences import set_preferences
from app.messages.subscriptions import MOST_ASKED, RECEIPTS_ENOUGH, App, Outcome
from tests.marketing import policy, template
from tests.messaging import APP_ID, RECEIPT, Post, with_settings
from tests.racing import race
from tests.shop import Phone

APP = App(provider="wechat_mini", app_id=APP_ID, receipt=RECEIPT)


def asked(phone: Phone, moment: str = "any", app: App = APP, later: timedelta = timedelta()) -> list[str]:
    now = clock.now() + later
    found = subscriptions.worth_asking(member_id=phone.member_id, moment=moment, app=app, now=now)
    return [one.template_id for one in found]


def report(phone: Phone, results: dict[str, str], key: str) -> Any:
    body = {"results": [{"template_id": one, "outcome": said} for one, said in results.items()]}
    return phone.post("/me/subscriptions", json=body, headers={"Idempotency-Key": key})


@pytest.fixture
def alice(post: Post) -> Phone:
    return post.person("alice")


@pytest.fixture
def unheard(post: Post, alice: Phone) -> Post:
    """The same shop without an address for WeChat's events."""
    here = with_settings(post, wechat_callback_token=None, wechat_callback_aes_key=None)
    post.app.extensions["parts"] = here.parts
    return here


# What is worth asking


def test_the_receipt_is_asked_for_until_there_are_enough(post: Post, alice: Phone) -> None:
    post.grant(alice, RECEIPTS_ENOUGH - 1)
    for moment in MOMENTS:
        assert asked(alice, moment) == [RECEIPT]
    post.grant(alice, 1)
    assert asked(alice) == []


def test_each_template_has_its_moment_the_receipt_comes_first_and_marketing_last(alice: Phone) -> None:
    template("offers", asked_when="coupons")
    template("reminder", category="service", asked_when="coupons")
    template("always", asked_when="any")
    template("gone", asked_when="any", active=False)
    assert asked(alice, "coupons") == [RECEIPT, "reminder", "offers"]
    assert asked(alice, "joined") == [RECEIPT, "always"]
    assert asked(alice, "coupons", replace(APP, receipt=None)) == ["reminder", "offers", "always"]


def test_no_more_are_asked_than_wechat_shows(alice: Phone) -> None:
    for number in range(5):
        template(f"t{number}", asked_when="any")
    assert asked(alice) == [RECEIPT, "t0", "t1"]
    assert MOST_ASKED == 3


def test_one_time_and_long_term_are_not_asked_together(post: Post, alice: Phone) -> None:
    template("standing", category="service", long_term=True, asked_when="any")
    template("offers", asked_when="any")
    assert asked(alice) == [RECEIPT, "offers"]
    assert asked(alice, app=replace(APP, receipt=None)) == ["standing"]


def test_who_refuses_marketing_is_not_asked_for_it(alice: Phone) -> None:
    template("offers", asked_when="any")
    for scope in ("all", "wechat_subscribe"):
        set_preferences(member_id=alice.member_id, refused=frozenset({scope}), now=clock.now())
        assert asked(alice) == [RECEIPT]
    set_preferences(member_id=alice.member_id, refused=frozenset({"sms"}), now=clock.now())
    assert asked(alice) == [RECEIPT, "offers"]


@pytest.mark.parametrize("outcome", ["reject", "ban", "filter"])
def test_who_refused_is_asked_again_after_the_pause(alice: Phone, outcome: str) -> None:
    policy(ask_again_days=3)
    assert report(alice, {RECEIPT: outcome}, "k").json == {"counted": 0}
    assert asked(alice) == []
    assert asked(alice, later=timedelta(days=3, seconds=-60)) == []
    assert asked(alice, later=timedelta(days=3)) == [RECEIPT]


@pytest.mark.parametrize("where", ["popup", "settings"])
def test_a_refusal_that_wechat_tells_of_counts_the_same(post: Post, alice: Phone, where: str) -> None:
    if where == "popup":
        post.wechat.accept("alice", "reject")
    else:
        post.wechat.tell("settings_reject", user="alice", template_ids=[RECEIPT])
        post.wechat.drain()
    assert asked(alice) == []
    post.wechat.accept("alice")
    assert asked(alice, later=timedelta(seconds=2)) == [RECEIPT]


def test_who_has_no_identity_there_is_not_asked(post: Post) -> None:
    assert asked(post.shop.member()) == []
    assert asked(post.person("bob", app_id="another-app")) == []


def test_the_mini_program_is_told_over_http(post: Post, alice: Phone) -> None:
    template("offers", asked_when="coupons")
    assert alice.get("/me/subscriptions/ask?at=coupons").json == {
        "items": [
            {"template_id": RECEIPT, "kind": "receipt", "name": ""},
            {"template_id": "offers", "kind": "template", "name": "活动通知"},
        ]
    }
    assert alice.get("/me/subscriptions/ask").json["items"][1:] == []
    assert alice.get("/me/subscriptions/ask?at=midnight").status_code == 422


# The phone's word


def test_where_wechats_events_come_the_phones_word_adds_nothing(post: Post, alice: Phone) -> None:
    assert report(alice, {RECEIPT: "accept"}, "k").json == {"counted": 0}
    assert post.credits(alice) == 0
    post.wechat.accept("alice")
    assert post.credits(alice) == 1


@pytest.mark.parametrize("outcome", ["accept", "acceptWithAudio"])
def test_without_them_it_counts_once_a_key(unheard: Post, alice: Phone, outcome: str) -> None:
    first = report(alice, {RECEIPT: outcome}, "k")
    assert (first.status_code, first.json) == (200, {"counted": 1})
    assert report(alice, {RECEIPT: outcome}, "k").json == {"counted": 1}
    assert unheard.credits(alice) == 1
    assert report(alice, {RECEIPT: outcome}, "k2").json == {"counted": 1}
    assert unheard.credits(alice) == 2
    other = report(alice, {RECEIPT: "reject"}, "k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_made_up_it_counts_for_as_much_as_is_enough_and_for_templates_of_ours(
    unheard: Post, alice: Phone
) -> None:
    template("offers", enough=2)
    template("gone", active=False)
    for number in range(10):
        report(
            alice,
            {RECEIPT: "accept", "offers": "accept", "gone": "accept", "made-up": "accept"},
            f"k{number}",
        )
    found = unheard.rows("SELECT template_id, credits FROM subscription_credits ORDER BY 1")
    assert found == [("offers", 2), (RECEIPT, RECEIPTS_ENOUGH)]
    assert unheard.rows("SELECT DISTINCT template_id FROM subscription_answers ORDER BY 1") == [
        ("offers",),
        (RECEIPT,),
    ]


def test_a_credit_that_was_made_up_costs_its_owner_a_message_on_the_phone(
    unheard: Post, alice: Phone
) -> None:
    for number in range(3):
        report(alice, {RECEIPT: "accept"}, f"k{number}")
    unheard.facts([alice.member_id])
    unheard.relay_and_send()
    [message] = unheard.messages()
    assert (message["state"], message["reason"]) == ("failed", "no_subscription")
    assert [item["kind"] for item in unheard.inbox(alice)] == ["receipt"]
    assert unheard.credits(alice) == 0


def _reports_at_once(post: Post, phone: Phone) -> int:
    results: dict[str, Outcome] = {RECEIPT: "accept"}

    def run(number: int) -> None:
        request = idempotency.Request(scope=f"member:{phone.member_id}", key=f"k{number}", hash=b"0" * 32)
        subscriptions.report(
            member_id=phone.member_id,
            results=results,
            receipt=RECEIPT,
            pushed=False,
            request=request,
            now=clock.now(),
        )

    race(16, run)
    return post.credits(phone)


def test_sixteen_reports_at_once_go_no_further(unheard: Post, alice: Phone) -> None:
    assert _reports_at_once(unheard, alice) == RECEIPTS_ENOUGH


def test_without_the_hold_each_of_them_would_find_room(
    unheard: Post, alice: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: everybody has looked before anybody counts. The row of the answer holds as well."""
    all_looked, look = threading.Barrier(16), subscriptions._credits

    def looked(session: Session, member_id: int, template_id: str) -> int:
        found = look(session, member_id, template_id)
        all_looked.wait(60)
        return found

    monkeypatch.setattr(subscriptions, "_credits", looked)
    monkeypatch.setattr(subscriptions, "locked", lambda *_: None)
    monkeypatch.setattr(subscriptions, "note_answer", lambda *_, **__: None)
    assert _reports_at_once(unheard, alice) == 16


def test_a_report_needs_a_key_and_something_to_report(post: Post, alice: Phone) -> None:
    body = {"results": [{"template_id": RECEIPT, "outcome": "accept"}]}
    assert alice.post("/me/subscriptions", json=body).json["code"] == "idempotency_key_missing"
    for results in (
        [],
        [{"template_id": RECEIPT, "outcome": "yes"}],
        [{"template_id": "x" * 65, "outcome": "ban"}],
    ):
        refused = alice.post("/me/subscriptions", json={"results": results}, headers={"Idempotency-Key": "k"})
        assert (refused.status_code, refused.json["code"]) == (422, "validation_failed")
