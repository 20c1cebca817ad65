"""Policies: typed, versioned, append-only; nobody's change is lost without being told."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.errors import VersionConflict
from app.points.adjust import AdjustmentPolicy
from app.policies import PolicyMalformed, change, standing
from tests.conftest import rows
from tests.racing import race


def now_set(**value: Any) -> int:
    return put(version=current()[0], **value)


def put(*, version: int, **value: Any) -> int:
    return change(
        kind=AdjustmentPolicy, value=value, version=version, actor=OPERATOR, now=clock.now()
    ).version


def current() -> tuple[int, AdjustmentPolicy]:
    found = standing(AdjustmentPolicy)
    return found.version, found.value


def test_unset_it_is_version_zero_with_the_defaults(engine: Engine) -> None:
    assert current() == (0, AdjustmentPolicy())


def test_each_change_is_the_next_version_and_nothing_is_overwritten(engine: Engine) -> None:
    assert [now_set(alone_points=n) for n in (5, 6)] == [1, 2]
    assert current() == (2, AdjustmentPolicy(alone_points=6))
    assert rows(engine, "SELECT version, value->>'alone_points' FROM policies ORDER BY 1") == [
        (1, "5"),
        (2, "6"),
    ]


def test_a_change_of_something_else_than_was_read_is_refused(engine: Engine) -> None:
    now_set(alone_points=5)
    with pytest.raises(VersionConflict) as refusal:
        put(version=0, alone_points=9)
    assert refusal.value.data == {"version": 1}
    assert current()[1].alone_points == 5


@pytest.mark.parametrize(
    "value",
    [
        {"alone_points": -1},
        {"alone_points": 5.0},
        {"alone_points": "5"},
        {"alone_points": True},
        {"alone_points": 10**30},
        {"most_points": None},
        {"lifetime_days": 0},
        {"no_such_field": 1},
    ],
)
def test_what_is_no_policy_is_refused_and_changes_nothing(engine: Engine, value: dict[str, Any]) -> None:
    with pytest.raises(PolicyMalformed) as refusal:
        put(version=0, **value)
    assert next(iter(value)) in str(refusal.value.data["problem"])
    assert current()[0] == 0


def test_what_was_set_before_a_field_existed_gets_its_default(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO policies (name, version, value, created_at)"
                " VALUES ('points_adjustment', 1, '{\"alone_points\": 7}', now())"
            )
        )
    assert current() == (1, AdjustmentPolicy(alone_points=7))


def test_sixteen_managers_at_once_make_one_version(engine: Engine) -> None:
    def set_it(number: int) -> str:
        try:
            put(version=0, alone_points=number)
        except VersionConflict:
            return "told"
        return "set"

    assert sorted(race(16, set_it)) == ["set"] + ["told"] * 15
    assert current()[0] == 1


def test_a_version_cannot_be_rewritten(engine: Engine) -> None:
    now_set(alone_points=5)
    with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
        connection.execute(text("UPDATE policies SET value = '{}'"))


def test_both_values_stand_in_the_audit_log(engine: Engine) -> None:
    now_set(alone_points=5)
    [(data,)] = rows(engine, "SELECT data FROM audit_log WHERE action = 'policy.change'")
    assert (data["before"]["alone_points"], data["after"]["alone_points"]) == (500, 5)
