"""What operators type: a first shop set up from nothing, and refusals in a sentence."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.coupons import change_template
from app.coupons.face import face_of
from app.coupons.template import Draft
from app.coupons.terms import Terms
from tests.conftest import rows
from tests.coupons import TEN_OFF

PASSWORD = "a fine new password"


class Operator:
    def __init__(self, app: Flask) -> None:
        self._run = app.test_cli_runner()

    def types(self, *words: str) -> list[str]:
        """The lines printed; the command must have done what it was told."""
        done = self._run.invoke(args=words)
        assert done.exit_code == 0, done.output
        return done.output.splitlines()

    def is_refused(self, *words: str) -> str:
        done = self._run.invoke(args=words)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        return done.output


@pytest.fixture
def operator(app: Flask) -> Operator:
    return Operator(app)


def add_chief(operator: Operator) -> list[str]:
    return operator.types(
        "staff", "add", "chief", "--number", "1", "--name", "Chief", "--role", "admin", "--password", PASSWORD
    )


def test_a_shop_is_set_up_and_sells(operator: Operator, app: Flask, engine: Engine) -> None:
    assert add_chief(operator) == ["added chief (1)"]
    assert operator.types("stores", "add", "S001", "--name", "人民路店") == ["opened S001"]
    assert operator.types("stores", "add-terminal", "S001", "T1", "--name", "一") == ["added S001/T1"]
    operator.types("stores", "earn-rule", "--rate-bp", "10000", "--lifetime-days", "365")
    operator.types("stores", "earn-rule", "--store", "S001", "--rate-bp", "20000")
    [key] = operator.types("stores", "add-key", "S001", "T1", "--name", "POS 1")

    sold = app.test_client().post(
        "/pos/v1/sales",
        json={"receipt_no": "R-1", "amount_fen": 100},
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "k"},
    )
    assert sold.status_code == 201
    [line] = operator.types("stores", "keys")
    key_id, place, hint, state, name = line.split("\t")
    assert (place, hint, state, name) == ("S001/T1", f"…{key[-4:]}", "live", "POS 1")
    assert operator.types("stores", "revoke-key", key_id) == ["revoked"]
    assert operator.types("stores", "keys")[0].split("\t")[3] == "revoked"
    assert operator.types("ledger", "check")[-1].endswith("no difference")
    assert {row[0] for row in rows(engine, "SELECT actor_type FROM audit_log")} == {"operator"}


def test_people_are_added_changed_and_let_go(operator: Operator, app: Flask) -> None:
    add_chief(operator)
    operator.types("stores", "add", "S001", "--name", "x")
    operator.types(
        "staff", "add", "mei", "--number", "2", "--name", "梅", "--role", "clerk@S001", "--role", "marketer@S001",
        "--password", PASSWORD,
    )  # fmt: skip
    assert operator.types("staff", "list") == [
        "1\tchief\tactive\tadmin",
        "2\tmei\tactive\tclerk@S001, marketer@S001",
    ]
    operator.types("staff", "roles", "mei", "manager@S001")
    operator.types("staff", "disable", "mei")
    assert operator.types("staff", "list")[1] == "2\tmei\tdisabled\tmanager@S001"
    operator.types("staff", "enable", "mei")
    [password] = operator.types("staff", "reset-password", "mei")
    for tried, status in ((PASSWORD, 401), (password, 200)):
        given = app.test_client().post("/office/v1/login", json={"login": "mei", "password": tried})
        assert given.status_code == status


def test_a_clerk_may_be_disabled_before_there_is_any_admin(operator: Operator) -> None:
    operator.types("stores", "add", "S001", "--name", "x")
    operator.types(
        "staff", "add", "mei", "--number", "2", "--name", "梅", "--role", "clerk@S001", "--password", PASSWORD
    )
    assert operator.types("staff", "disable", "mei") == ["mei is disabled"]


def test_a_password_that_the_operator_made_is_temporary_unless_it_is_their_own(
    operator: Operator, app: Flask
) -> None:
    add_chief(operator)
    operator.types(
        "staff", "add", "chief-2", "--number", "2", "--name", "Chief", "--role", "admin", "--password", PASSWORD,
        "--own-password",
    )  # fmt: skip
    for login, temporary in (("chief", True), ("chief-2", False)):
        given = app.test_client().post("/office/v1/login", json={"login": login, "password": PASSWORD})
        assert given.json["password_change_required"] is temporary


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("staff", "disable", "nobody"), "not_found"),
        (("staff", "disable", "chief"), "last_admin"),
        (("staff", "roles", "chief", "clerk@S404"), "not_found"),
        (("staff", "roles", "chief", "owner"), "role_unknown"),
        (("stores", "add", "s1", "--name", "x"), "code_unusable"),
        (("stores", "add", "S1", "--name", "x", "--time-zone", "Mars"), "time_zone_unknown"),
        (("stores", "add-terminal", "S404", "T1", "--name", "x"), "not_found"),
        (("stores", "add-key", "S404", "T1", "--name", "x"), "not_found"),
        (("stores", "revoke-key", "nothing"), "not_found"),
        (("stores", "earn-rule", "--store", "S404", "--rate-bp", "1"), "not_found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_refusal_is_a_sentence(operator: Operator, words: tuple[str, ...], code: str) -> None:
    add_chief(operator)
    told = operator.is_refused(*words)
    assert code in told
    assert code != "not_found" or any(f"={word}" in told for word in words), told


def test_the_database_tells_where_it_is(operator: Operator) -> None:
    database, code = operator.types("db", "current")
    assert database.split(": ")[1] == code.split(": ")[1]
    assert operator.types("db", "upgrade")[-1].startswith("database is at ")


def test_the_document_is_printed(operator: Operator, tmp_path: Any) -> None:
    printed = "\n".join(operator.types("openapi", "print"))
    assert json.loads(printed)["openapi"] == "3.1.0"
    operator.types("openapi", "print", "--output", str(tmp_path / "openapi.json"))
    assert json.loads((tmp_path / "openapi.json").read_text(encoding="utf-8")) == json.loads(printed)


def test_the_operator_sets_a_policy_alone_and_the_audit_log_says_so(
    operator: Operator, engine: Engine
) -> None:
    done = operator.types("policies", "set", "points_adjustment", "alone_points=501", "lifetime_days=null")
    assert done == ["points_adjustment is version 1"]
    [line] = [line for line in operator.types("policies", "show") if line.startswith("points_adjustment")]
    assert "version 1" in line
    assert '"alone_points": 501' in line
    assert rows(engine, "SELECT actor_type FROM audit_log WHERE action = 'policy.change'") == [("operator",)]
    operator.types("policies", "set", "points_adjustment", "alone_points=5")
    assert '"lifetime_days": null' in "".join(operator.types("policies", "show")), "the others stay"


def test_the_operator_lets_members_have_coupons_of_a_draft(operator: Operator, engine: Engine) -> None:
    face = face_of(TEN_OFF)
    made = change_template.create(draft=Draft(face=face, terms=Terms()), actor=OPERATOR, now=clock.now())
    assert operator.types("coupons", "publish", made.id) == [f"{made.id} is live"]
    assert operator.types("coupons", "list") == [f"{made.id}\tversion 2\tlive\t十元券\t¥10 off"]
    assert "coupon_template_state" in operator.is_refused("coupons", "publish", made.id)


@pytest.mark.parametrize("field", ["alone_points=-1", "nothing=1", "=1"])
def test_a_policy_that_is_none_is_refused(operator: Operator, field: str) -> None:
    assert "policy_malformed" in operator.is_refused("policies", "set", "points_adjustment", field)
    assert "version 0" in operator.types("policies", "show")[0]
