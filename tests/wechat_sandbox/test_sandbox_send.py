"""Subscribe messages: the order of the checks, credits, and two sends at once."""

import threading
from typing import Any

import pytest

RECEIPT, PERKS, BANNED = "receipt-template", "perks-template", "banned-template"


@pytest.fixture
def alice(sandbox: Any) -> str:
    return sandbox.openid("alice")


def test_one_accept_is_good_for_one_send(sandbox: Any, alice: str) -> None:
    sandbox.accept("alice")
    answer = sandbox.send(alice, page="pages/points/index?from=message")
    assert answer["errcode"] == 0
    assert isinstance(answer["msgid"], int)
    assert sandbox.send(alice)["errcode"] == 43101
    (message,) = sandbox.get(f"/_sim/inbox/{alice}")["messages"]
    assert message["msgid"] == str(answer["msgid"])
    assert message["fields"][0] == ["thing1", "中山路店"]
    assert message["page"] == "pages/points/index?from=message"
    metrics = sandbox.get("/_sim/metrics")
    assert metrics["sends"] == 1
    assert metrics["credits"] == {"granted": 1, "used": 1}


def test_accepts_add_up(sandbox: Any, alice: str) -> None:
    for _ in range(3):
        sandbox.accept("alice")
    assert [sandbox.send(alice)["errcode"] for _ in range(4)] == [0, 0, 0, 43101]


def test_a_credit_belongs_to_one_person_and_one_template(sandbox: Any, alice: str) -> None:
    sandbox.accept("alice")
    assert sandbox.send(sandbox.openid("bob"))["errcode"] == 43101
    perks = {"template_id": PERKS, "data": {"phrase1": {"value": "黄金会员"}}}
    assert sandbox.send(alice, **perks)["errcode"] == 43101


def test_a_long_term_accept_is_never_used_up(sandbox: Any, alice: str) -> None:
    sandbox.accept("alice", PERKS)
    perks = {"template_id": PERKS, "data": {"phrase1": {"value": "黄金会员"}}}
    assert [sandbox.send(alice, **perks)["errcode"] for _ in range(3)] == [0, 0, 0]
    assert sandbox.credits("alice", PERKS) is None


def test_refusing_in_the_settings_takes_all_credits_away(sandbox: Any, alice: str) -> None:
    for _ in range(3):
        sandbox.accept("alice")
    sandbox.post("/_sim/settings_reject", user="alice", template_ids=[RECEIPT])
    assert sandbox.send(alice)["errcode"] == 43101
    assert sandbox.credits("alice") == 0


def test_a_refused_popup_grants_nothing(sandbox: Any, alice: str) -> None:
    sandbox.post("/_sim/subscribe", openid=alice, results={RECEIPT: "reject"})
    assert sandbox.send(alice)["errcode"] == 43101


def test_the_checks_come_in_the_documented_order(sandbox: Any, alice: str) -> None:
    """A request with every fault is mended one by one; each answer names the next check."""
    request: dict[str, Any] = {
        "token": "x" * 157,
        "touser": "nobody",
        "template_id": "no-such-template",
        "page": "pages/unknown",
        "data": {"thing1": {"value": "一" * 21}},
    }
    whole = {"thing1": {"value": "违禁词"}, "amount2": {"value": "1"}, "time3": {"value": "15:04"}}
    clean = {**whole, "thing1": {"value": "中山路店"}}
    mended: list[tuple[int, dict[str, Any]]] = [
        (40001, {"token": sandbox.token()}),
        (40003, {"touser": alice}),
        (40037, {"template_id": BANNED}),
        (43107, {"template_id": RECEIPT}),
        (41030, {"page": "pages/points/index"}),
        (47003, {"data": whole}),
        (45168, {"data": clean}),
        (43101, {}),
    ]
    for errcode, mend in mended:
        assert sandbox.send(**request)["errcode"] == errcode
        request |= mend
    sandbox.accept("alice")
    assert sandbox.send(**request)["errcode"] == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"thing1": {"value": "一" * 21}}, "data.thing1.value invalid"),
        ({"amount2": {"value": "free"}}, "data.amount2.value invalid"),
        ({"amount2": {"value": 26.8}}, "data.amount2.value invalid"),
        ({"time3": {"value": ""}}, "data.time3.value is empty"),
        ({"time3": {}}, "data.time3.value is empty"),
        ({"time3": None}, "data.time3.value is empty"),
    ],
)
def test_bad_data_names_its_field_and_costs_no_credit(
    sandbox: Any, alice: str, data: dict[str, Any], words: str
) -> None:
    sandbox.accept("alice")
    good = {"thing1": {"value": "店"}, "amount2": {"value": "1"}, "time3": {"value": "15:04"}}
    answer = sandbox.send(alice, data={**good, **data})
    assert answer["errcode"] == 47003
    assert answer["errmsg"].startswith(f"argument invalid! {words} rid: ")
    assert sandbox.credits("alice") == 1


@pytest.mark.parametrize(
    "changed", [{"lang": "fr_FR"}, {"miniprogram_state": "beta"}, {"data": None}, {"data": "text"}]
)
def test_other_arguments_are_checked_too(sandbox: Any, alice: str, changed: dict[str, Any]) -> None:
    assert sandbox.send(alice, **changed)["errcode"] == 47003


def test_a_body_that_is_not_a_json_object_is_refused_after_the_token(sandbox: Any) -> None:
    path = "/cgi-bin/message/subscribe/send"
    for body in ("", "[]", "{", b"\xff"):
        assert sandbox.ask("POST", path, params={"access_token": "x"}, data=body).json()["errcode"] == 40014
        answer = sandbox.ask("POST", path, params={"access_token": sandbox.token()}, data=body)
        assert answer.json()["errcode"] == 47001


def test_while_one_send_is_under_way_fifteen_more_to_that_person_are_refused(
    sandbox: Any, alice: str
) -> None:
    path = "/cgi-bin/message/subscribe/send"
    for _ in range(16):
        sandbox.accept("alice")
    token = sandbox.token()
    sandbox.fault(path, type="latency", latency_ms=1_500, count=1)
    first: list[int] = []
    slow = threading.Thread(target=lambda: first.append(sandbox.send(alice, token=token)["errcode"]))
    slow.start()
    assert any(path in sandbox.get("/_sim/metrics")["calls"] for _ in range(5_000))  # it has arrived
    assert [sandbox.send(alice, token=token)["errcode"] for _ in range(15)] == [43108] * 15
    slow.join(60)
    assert first == [0]
    assert sandbox.credits("alice") == 15


def test_sends_at_once_to_different_people_all_go_out(sandbox: Any) -> None:
    openids = [sandbox.openid(f"u{number}") for number in range(16)]
    for number in range(16):
        sandbox.accept(f"u{number}")
    assert at_once(sandbox, openids, latency_ms=300) == [0] * 16


def test_without_working_time_one_send_follows_the_other(sandbox: Any, alice: str) -> None:
    for _ in range(16):
        sandbox.accept("alice")
    assert at_once(sandbox, [alice] * 16, latency_ms=0) == [0] * 16


def test_a_failed_send_does_not_leave_the_person_locked(sandbox: Any, alice: str) -> None:
    assert sandbox.send(alice)["errcode"] == 43101
    sandbox.accept("alice")
    assert sandbox.send(alice)["errcode"] == 0


def at_once(sandbox: Any, openids: list[str], *, latency_ms: int) -> list[int]:
    """The errcodes of sends that start together."""
    token = sandbox.token()
    sandbox.post("/_sim/latency", p50_ms=latency_ms)
    barrier, outcomes = threading.Barrier(len(openids)), [-9] * len(openids)

    def send(place: int) -> None:
        barrier.wait(60)
        outcomes[place] = sandbox.send(openids[place], token=token)["errcode"]

    threads = [threading.Thread(target=send, args=(place,)) for place in range(len(openids))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return outcomes
