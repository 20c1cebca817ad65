"""The control plane: who may use it, and what it makes of nonsense."""

from typing import Any

import pytest

PREVIEW = "http://127.0.0.1:8000"


@pytest.mark.parametrize("origin", [PREVIEW, "http://localhost:5173", "http://127.0.0.1"])
def test_a_page_of_this_machine_may_press_the_buttons(sandbox: Any, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = sandbox.ask("OPTIONS", "/_sim/login_code", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
    answer = sandbox.ask("POST", "/_sim/login_code", json={"user": "alice"}, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.json()["code"]


@pytest.mark.parametrize(
    "origin", ["https://example.com", "http://127.0.0.1.example.com", "http://localhost.example:80", "null"]
)
def test_a_page_from_elsewhere_may_not(sandbox: Any, origin: str) -> None:
    for method in ("OPTIONS", "POST", "GET"):
        answer = sandbox.ask(method, "/_sim/users", headers={"Origin": origin})
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_can_read_why_it_was_refused(sandbox: Any) -> None:
    answer = sandbox.ask("POST", "/_sim/login_code", json={}, headers={"Origin": PREVIEW})
    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == PREVIEW


def test_a_foreign_host_name_that_points_here_is_refused(sandbox: Any) -> None:
    assert sandbox.ask("GET", "/_sim/users", headers={"Host": "example.com"}).status_code == 403
    assert sandbox.ask("GET", "/", headers={"Host": "example.com"}).status_code == 403


def test_the_platform_itself_answers_no_page(sandbox: Any) -> None:
    answer = sandbox.ask("GET", "/cgi-bin/token", headers={"Origin": PREVIEW})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_sim/login_code", {}, 400),
        ("/_sim/login_code", {"user": "no spaces"}, 400),
        ("/_sim/login_code", [], 400),
        ("/_sim/subscribe", {"user": "alice", "results": {"receipt-template": "maybe"}}, 400),
        ("/_sim/subscribe", {"user": "alice", "results": {}}, 400),
        ("/_sim/subscribe", {"user": "alice", "results": {"unknown": "accept"}}, 404),
        ("/_sim/subscribe", {"openid": "nobody", "results": {"receipt-template": "accept"}}, 404),
        ("/_sim/clock/advance", {"seconds": -1}, 400),
        ("/_sim/clock/advance", {"seconds": "1"}, 400),
        ("/_sim/clock/freeze", {"at": 1}, 400),
        ("/_sim/token/revoke", {"kind": "other"}, 400),
        ("/_sim/users", {"count": 0}, 400),
        ("/_sim/templates", {"id": "t", "fields": [{"key": "unknown1"}]}, 400),
        ("/_sim/notify/tamper", {"what": "everything"}, 400),
    ],
)
def test_nonsense_is_answered_with_a_sentence(sandbox: Any, path: str, body: Any, status: int) -> None:
    answer = sandbox.ask("POST", path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_body_that_is_not_json_is_refused(sandbox: Any) -> None:
    assert sandbox.ask("POST", "/_sim/login_code", data="user=alice").status_code == 400


def test_the_clock_stands_still_moves_and_runs(sandbox: Any) -> None:
    frozen = sandbox.post("/_sim/clock/freeze")
    assert frozen["frozen"]
    assert sandbox.get("/_sim/clock") == frozen
    assert sandbox.post("/_sim/clock/advance", seconds=60)["now"] == frozen["now"] + 60
    running = sandbox.post("/_sim/clock/run")
    assert not running["frozen"]
    assert running["now"] >= frozen["now"] + 60


def test_people_are_seeded_in_bulk_with_credits(sandbox: Any) -> None:
    made = sandbox.post("/_sim/users", count=50, prefix="crowd", credits={"receipt-template": 2})["users"]
    assert [made[0]["user"], made[-1]["user"]] == ["crowd1", "crowd50"]
    assert sandbox.credits("crowd50") == 2
    assert [sandbox.send(made[0]["openid"])["errcode"] for _ in range(3)] == [0, 0, 43101]


def test_a_template_can_be_added_and_banned_while_running(sandbox: Any) -> None:
    fields = [{"key": "number1", "label": "积分"}]
    sandbox.post("/_sim/templates", id="new", fields=fields)
    sandbox.accept("alice", "new")
    message = {"template_id": "new", "data": {"number1": {"value": "26"}}}
    assert sandbox.send(sandbox.openid("alice"), **message)["errcode"] == 0
    sandbox.post("/_sim/templates", id="new", fields=fields, banned=True)
    assert sandbox.send(sandbox.openid("alice"), **message)["errcode"] == 43107


def test_a_reset_empties_everything(sandbox: Any) -> None:
    sandbox.login_code("alice")
    sandbox.token()
    sandbox.post("/_sim/reset")
    assert sandbox.get("/_sim/users") == {"users": []}
    assert sandbox.get("/_sim/metrics")["tokens_minted"] == {"classic": 0, "stable": 0}
