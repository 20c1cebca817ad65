"""Faults on order, each as a client sees it."""

from typing import Any

import pytest
import requests

SEND = "/cgi-bin/message/subscribe/send"


def test_an_errcode_fault_strikes_as_often_as_ordered(sandbox: Any) -> None:
    sandbox.accept("alice")
    openid = sandbox.openid("alice")
    sandbox.fault(SEND, type="errcode", errcode=-1, count=2)
    answers = [sandbox.send(openid) for _ in range(3)]
    assert [one["errcode"] for one in answers] == [-1, -1, 0]
    assert answers[0]["errmsg"].startswith("system error rid: ")
    assert sandbox.get("/_sim/faults")["faults"][0]["fired"] == 2


def test_a_fault_can_strike_one_person_only(sandbox: Any) -> None:
    alice, bob = sandbox.openid("alice"), sandbox.openid("bob")
    sandbox.accept("alice")
    sandbox.accept("bob")
    sandbox.fault(openid=alice, type="errcode", errcode=45009)
    assert sandbox.send(alice)["errcode"] == 45009
    assert sandbox.send(bob)["errcode"] == 0
    assert sandbox.login(sandbox.login_code("alice"))["errcode"] == 45009
    assert "openid" in sandbox.login(sandbox.login_code("bob"))


@pytest.mark.parametrize(("moment", "messages"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_may_or_may_not_have_sent_the_message(
    sandbox: Any, moment: str, messages: int
) -> None:
    openid, token = sandbox.openid("alice"), sandbox.token()
    sandbox.accept("alice")
    sandbox.fault(SEND, type="drop", moment=moment)
    with pytest.raises(requests.ConnectionError):
        sandbox.send(openid, token=token)
    assert len(sandbox.get(f"/_sim/inbox/{openid}")["messages"]) == messages
    assert sandbox.credits("alice") == 1 - messages


def test_a_truncated_answer_breaks_off_after_the_message_was_sent(sandbox: Any) -> None:
    openid, token = sandbox.openid("alice"), sandbox.token()
    sandbox.accept("alice")
    sandbox.fault(SEND, type="truncated")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        sandbox.send(openid, token=token)
    assert len(sandbox.get("/_sim/inbox/alice")["messages"]) == 1


def test_a_hanging_request_is_accepted_and_never_answered(sandbox: Any) -> None:
    sandbox.fault("/sns/jscode2session", type="timeout")
    with pytest.raises(requests.ReadTimeout):
        sandbox.session.get(sandbox.url + "/sns/jscode2session", timeout=0.3)


def test_a_hanging_request_ends_without_an_answer(sandbox: Any) -> None:
    sandbox.fault("/sns/jscode2session", type="timeout", hang_ms=50)
    with pytest.raises(requests.ConnectionError):
        sandbox.ask("GET", "/sns/jscode2session")


def test_a_gateway_page_comes_with_any_status(sandbox: Any) -> None:
    sandbox.fault("/cgi-bin/token", type="status", status=502, count=1)
    sandbox.fault("/cgi-bin/token", type="html", count=1)
    sandbox.fault("/cgi-bin/token", type="malformed_json", count=1)
    bad_gateway, page, torn = (sandbox.ask("GET", "/cgi-bin/token") for _ in range(3))
    assert (bad_gateway.status_code, page.status_code, torn.status_code) == (502, 200, 200)
    assert page.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        torn.json()


def test_a_latency_fault_delays_the_true_answer(sandbox: Any) -> None:
    sandbox.fault("/sns/jscode2session", type="latency", latency_ms=300)
    assert sandbox.login(sandbox.login_code("alice"))["openid"]
    with pytest.raises(requests.ReadTimeout):
        sandbox.session.get(sandbox.url + "/sns/jscode2session", timeout=0.05)


def test_a_probable_fault_strikes_the_same_requests_in_every_seeded_run(sandbox: Any) -> None:
    def run() -> list[bool]:
        sandbox.post("/_sim/reset")
        sandbox.fault("/sns/jscode2session", type="errcode", errcode=-1, probability=0.5)
        return [sandbox.login("unknown")["errcode"] == -1 for _ in range(40)]

    first = run()
    assert first == run()
    assert 5 < sum(first) < 35


def test_faults_are_withdrawn_one_by_one_or_all_at_once(sandbox: Any) -> None:
    ids = [sandbox.fault("/cgi-bin/token", type="errcode", errcode=-1)["id"] for _ in range(3)]
    left = sandbox.ask("DELETE", f"/_sim/faults/{ids[0]}").json()["faults"]
    assert [one["id"] for one in left] == ids[1:]
    assert sandbox.ask("DELETE", "/_sim/faults").json() == {"faults": []}
    assert "access_token" in sandbox.classic()


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"action": {"type": "explode"}},
        {"action": {"type": "errcode"}},
        {"action": {"type": "latency", "latency_ms": "soon"}},
        {"action": {"type": "drop"}, "probability": 2},
        {"action": {"type": "drop"}, "count": 0},
        {"action": {"type": "drop"}, "moment": "during"},
        {"action": {"type": "drop"}, "path": "/"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(sandbox: Any, order: dict[str, Any]) -> None:
    assert sandbox.ask("POST", "/_sim/faults", json=order).status_code == 400


def test_answers_are_counted_by_what_came_back(sandbox: Any) -> None:
    sandbox.fault("/cgi-bin/token", type="html", count=1)
    sandbox.ask("GET", "/cgi-bin/token")
    sandbox.classic()
    sandbox.get("/cgi-bin/token")
    metrics = sandbox.get("/_sim/metrics")
    assert metrics["calls"] == {"/cgi-bin/token": 3}
    assert metrics["answers"] == {"/cgi-bin/token": {"fault html": 1, "0": 1, "40002": 1}}
    assert sandbox.post("/_sim/metrics/reset")["calls"] == {}
