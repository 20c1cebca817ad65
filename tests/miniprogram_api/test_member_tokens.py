"""One answer for every token that is not good, whatever is wrong with it."""

import pytest

from app import clock, db
from app.identity.sessions import open_session

ROUTES = [
    ("GET", "/me"),
    ("PATCH", "/me"),
    ("POST", "/me"),
    ("POST", "/me/phone"),
    ("POST", "/me/consent"),
    ("DELETE", "/me/consent"),
    ("POST", "/me/code"),
    ("POST", "/me/code/pack"),
    ("GET", "/me/code/image"),
    ("GET", "/me/points"),
    ("GET", "/me/points/entries"),
    ("GET", "/me/sales"),
    ("GET", "/me/messages"),
    ("POST", "/logout"),
]


def ask(client, method, path, authorization=None):
    headers = {"Idempotency-Key": "k"} | ({"Authorization": authorization} if authorization else {})
    return client.open(f"/api/v1{path}", method=method, headers=headers)


def told(answer):
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("X-Request-Id", "Content-Length")
    }
    return answer.status_code, body, headers


@pytest.fixture
def bad_tokens(shop, engine):
    """One of each kind: ended, logged out, of a frozen member, never issued, and things that are no token."""
    ended, frozen, out = shop.member(), shop.member(), shop.member()
    out.post("/logout")
    with db.transaction() as session:
        expired, _ = open_session(session, ended.member_id, lifetime_days=0, now=clock.now())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE members SET status = 'frozen' WHERE id = %s", (frozen.member_id,))
    return {
        "expired": f"Bearer {expired}",
        "logged out": f"Bearer {out.token}",
        "frozen": f"Bearer {frozen.token}",
        "never issued": "Bearer " + "A" * 43,
        "none": None,
        "another scheme": "Basic " + "A" * 43,
        "empty": "Bearer ",
        "short": "Bearer abc",
        "huge": "Bearer " + "A" * 5000,
        "not ascii": "Bearer " + "é" * 43,
        "with a blank": f"Bearer {frozen.token} {frozen.token}",
        "a till's key": f"Bearer {shop.till.key}",
    }


def test_every_route_says_the_same_about_every_bad_token(app, bad_tokens):
    client = app.test_client()
    answers = {
        (method, path, kind): told(ask(client, method, path, value))
        for method, path in ROUTES
        for kind, value in bad_tokens.items()
    }

    status, body, headers = first = next(iter(answers.values()))
    assert (status, body["code"], headers["WWW-Authenticate"]) == (401, "unauthenticated", "Bearer")
    assert {where: answer for where, answer in answers.items() if answer != first} == {}


def test_a_members_token_opens_no_other_face(app, shop):
    phone = shop.member()
    client, headers = app.test_client(), {"Authorization": f"Bearer {phone.token}", "Idempotency-Key": "k"}

    assert client.post("/pos/v1/scans", json={"code": "1"}, headers=headers).status_code == 401
    assert client.get("/metrics", headers=headers).status_code == 401


def test_logging_out_ends_this_token_only(shop):
    phone, other = shop.member(), shop.member()

    assert phone.post("/logout").status_code == 204
    assert phone.get("/me").status_code == 401
    assert phone.post("/logout").status_code == 401
    assert other.get("/me").status_code == 200


def test_the_scheme_may_be_written_in_any_case(app, shop):
    phone = shop.member()

    assert ask(app.test_client(), "GET", "/me", f"bearer {phone.token}").status_code == 200


def test_a_token_in_the_address_is_not_looked_at(app, shop):
    phone = shop.member()

    assert app.test_client().get(f"/api/v1/me?access_token={phone.token}").status_code == 401
