"""Who may manage whom, and from when a change counts."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app import clock
from app.staff import accounts
from app.staff import sign_in as staff_sign_in
from app.staff.roles import Grant
from tests.actors import Actors, staff_token
from tests.conftest import rows
from tests.racing import race
from tests.shop import PASSWORD


class Office:
    def __init__(self, actors: Actors, who: str) -> None:
        self._client, self._headers = actors.shop.app.test_client(), actors.headers(who)

    def get(self, path: str) -> Any:
        return self._client.get(f"/office/v1{path}", headers=self._headers)

    def post(self, path: str, json: Any = None) -> Any:
        return self._client.post(f"/office/v1{path}", headers=self._headers, json=json or {})

    def patch(self, path: str, json: Any) -> Any:
        return self._client.patch(f"/office/v1{path}", headers=self._headers, json=json)

    def delete(self, path: str) -> Any:
        return self._client.delete(f"/office/v1{path}", headers=self._headers)


def newcomer(*grants: dict[str, Any]) -> dict[str, Any]:
    return {
        "login": "newcomer",
        "staff_no": "NEW1",
        "name": "新人",
        "password": "a fine new password",
        "grants": list(grants),
    }


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        ({"role": "clerk", "store": "S001"}, 201),
        ({"role": "marketer", "store": "S001"}, 201),
        ({"role": "clerk", "store": "S002"}, 404),
        ({"role": "clerk", "store": None}, 403),
        ({"role": "manager", "store": "S001"}, 403),
        ({"role": "admin", "store": "S001"}, 403),
        ({"role": "admin", "store": None}, 403),
        ({"role": "clerk", "store": "S404"}, 404),
        ({"role": "owner", "store": "S001"}, 422),
    ],
)
def test_a_manager_gives_clerk_and_marketer_in_the_own_store(
    actors: Actors, grant: dict[str, Any], status: int
) -> None:
    assert Office(actors, "manager").post("/staff", newcomer(grant)).status_code == status


def test_one_forbidden_role_among_several_refuses_all(actors: Actors, engine: Engine) -> None:
    asked = newcomer({"role": "clerk", "store": "S001"}, {"role": "admin", "store": None})
    assert Office(actors, "manager").post("/staff", asked).status_code == 403
    assert rows(engine, "SELECT 1 FROM staff WHERE login = 'newcomer'") == []


def test_a_manager_sees_and_changes_only_people_of_the_own_store(actors: Actors) -> None:
    there = actors.shop.person("clerk-2", Grant("clerk", actors.other_store.id))
    both = actors.shop.person(
        "clerk-both", Grant("clerk", actors.shop.store.id), Grant("clerk", actors.other_store.id)
    )
    office = Office(actors, "manager")

    seen = {person["login"] for person in office.get("/staff").json["items"]}
    assert seen == {"manager-1", "clerk-1", "marketer-1", "gone-1"}
    for hidden in (there.id, both.id, actors.admin.id, 10**12):
        assert office.patch(f"/staff/{hidden}", {"version": 1, "name": "x"}).status_code == 404
        assert office.post(f"/staff/{hidden}/password-reset").status_code == 404
    peer = actors.shop.person("manager-9", Grant("manager", actors.shop.store.id))
    assert office.patch(f"/staff/{peer.id}", {"version": 1, "name": "x"}).status_code == 403
    assert office.post(f"/staff/{peer.id}/password-reset").status_code == 403


def test_a_manager_of_all_stores_manages_clerks_everywhere_but_no_managers(actors: Actors) -> None:
    actors.manager = actors.shop.person("region", Grant("manager", None))
    there = actors.shop.person("clerk-2", Grant("clerk", actors.other_store.id))
    office = Office(actors, "manager")
    assert office.patch(f"/staff/{there.id}", {"version": 1, "name": "新名"}).status_code == 200
    assert office.post("/staff", newcomer({"role": "clerk", "store": "S002"})).status_code == 201
    assert office.patch(f"/staff/{actors.admin.id}", {"version": 1, "status": "disabled"}).status_code == 403
    assert office.post("/staff", newcomer({"role": "manager", "store": "S002"})).status_code == 403


def test_nobody_raises_themselves(actors: Actors) -> None:
    more = {"version": 1, "grants": [{"role": "admin", "store": None}]}
    assert Office(actors, "manager").patch(f"/staff/{actors.manager.id}", more).status_code == 403
    assert Office(actors, "clerk").patch(f"/staff/{actors.clerk.id}", more).status_code == 403


def test_an_edit_of_an_old_version_changes_nothing(actors: Actors) -> None:
    office = Office(actors, "admin")
    place = f"/staff/{actors.clerk.id}"
    assert office.patch(place, {"version": 1, "name": "先到"}).json["version"] == 2

    late = office.patch(place, {"version": 1, "name": "后到"})
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)
    assert office.patch(place, {"name": "没有版本"}).status_code == 422
    assert [p["name"] for p in office.get("/staff").json["items"] if p["id"] == actors.clerk.id] == ["先到"]


def test_of_sixteen_edits_of_one_version_one_counts(actors: Actors, engine: Engine) -> None:
    tokens = [staff_token(actors.admin.id) for _ in range(16)]

    def edit(number: int) -> int:
        return (
            actors.shop.app.test_client()
            .patch(
                f"/office/v1/staff/{actors.clerk.id}",
                json={"version": 1, "name": f"名{number}"},
                headers={"Authorization": f"Bearer {tokens[number]}"},
            )
            .status_code
        )

    assert sorted(race(16, edit)) == [200] + [409] * 15
    assert rows(engine, "SELECT version FROM staff WHERE id = :id", id=actors.clerk.id) == [(2,)]


def test_the_last_admin_stays(actors: Actors) -> None:
    office = Office(actors, "admin")
    place = f"/staff/{actors.admin.id}"
    for change in ({"status": "disabled"}, {"grants": [{"role": "manager", "store": "S001"}]}):
        refused = office.patch(place, {"version": 1, **change})
        assert (refused.status_code, refused.json["code"]) == (409, "last_admin")
    assert office.get("/me").status_code == 200


def disable_all_at_once(actors: Actors, admins: list[accounts.StaffView]) -> None:
    """Each admin disables the next one in the ring."""
    tokens = [staff_token(admin.id) for admin in admins]

    def disable_next(number: int) -> int:
        target = admins[(number + 1) % len(admins)]
        headers = {"Authorization": f"Bearer {tokens[number]}"}
        answer = actors.shop.app.test_client().patch(
            f"/office/v1/staff/{target.id}", json={"version": 1, "status": "disabled"}, headers=headers
        )
        return answer.status_code

    # 401: was disabled before the own request came; 409: the last one, or waited too long for the others.
    assert set(race(len(admins), disable_next)) <= {200, 401, 409}


def test_admins_who_remove_each_other_at_once_leave_one(actors: Actors, engine: Engine) -> None:
    chiefs = [actors.shop.person(f"chief-{n}", Grant("admin", None)) for n in range(15)]
    disable_all_at_once(actors, [actors.admin, *chiefs])
    assert _active_admins(engine) >= 1


def test_without_the_lock_the_last_two_admins_remove_each_other(
    actors: Actors, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: counting alone does not see what another transaction is about to do."""
    both_counted = threading.Barrier(2)

    def count_only(session: Session) -> int:
        left = session.execute(
            text(
                "SELECT count(*) FROM staff p JOIN staff_roles r ON r.staff_id = p.id"
                " WHERE p.status = 'active' AND r.role = 'admin'"
            )
        ).scalar_one()
        both_counted.wait(60)
        return int(left)

    monkeypatch.setattr(accounts, "_admins", count_only)
    disable_all_at_once(actors, [actors.admin, actors.shop.person("chief-2", Grant("admin", None))])
    assert _active_admins(engine) == 0


def _active_admins(engine: Engine) -> int:
    [(left,)] = rows(
        engine,
        "SELECT count(*) FROM staff p JOIN staff_roles r ON r.staff_id = p.id"
        " WHERE p.status = 'active' AND r.role = 'admin' AND r.store_id IS NULL",
    )
    assert isinstance(left, int)
    return left


def test_disabling_counts_from_the_next_request_on(actors: Actors) -> None:
    clerk = Office(actors, "clerk")
    assert clerk.get("/me").status_code == 200
    office = Office(actors, "admin")
    place = f"/staff/{actors.clerk.id}"
    assert office.patch(place, {"version": 1, "status": "disabled"}).status_code == 200
    assert clerk.get("/me").status_code == 401
    assert office.patch(place, {"version": 2, "status": "active"}).status_code == 200
    assert clerk.get("/me").status_code == 401, "a session that ended does not come back"


def test_a_change_of_roles_counts_from_the_next_request_on(actors: Actors) -> None:
    clerk = Office(actors, "clerk")
    assert clerk.get("/staff").status_code == 403
    change = {"version": 1, "grants": [{"role": "manager", "store": "S001"}]}
    assert Office(actors, "admin").patch(f"/staff/{actors.clerk.id}", change).status_code == 200
    assert clerk.get("/staff").status_code == 200
    back = {"version": 2, "grants": [{"role": "clerk", "store": "S001"}]}
    assert Office(actors, "admin").patch(f"/staff/{actors.clerk.id}", back).status_code == 200
    assert clerk.get("/staff").status_code == 403


def test_a_temporary_password_is_good_for_changing_it_and_for_nothing_else(actors: Actors) -> None:
    told = Office(actors, "admin").post(f"/staff/{actors.manager.id}/password-reset").json
    given = sign_in(actors, "manager-1", told["temporary_password"]).json
    assert given["password_change_required"] is True
    client, headers = actors.shop.app.test_client(), {"Authorization": f"Bearer {given['token']}"}
    for path in ("/me", "/staff", "/stores", "/api-keys"):
        refused = client.get(f"/office/v1{path}", headers=headers)
        assert (refused.status_code, refused.json["code"]) == (403, "password_change_required")
    body = {"current": told["temporary_password"], "new": "夏天的风 2026 晴"}
    assert client.post("/office/v1/me/password", headers=headers, json=body).status_code == 204
    assert client.get("/office/v1/staff", headers=headers).status_code == 200
    assert sign_in(actors, "manager-1", "夏天的风 2026 晴").json["password_change_required"] is False


def test_the_password_of_a_new_account_is_temporary(actors: Actors) -> None:
    Office(actors, "admin").post("/staff", newcomer({"role": "clerk", "store": "S001"}))
    given = sign_in(actors, "newcomer", "a fine new password").json
    assert given["password_change_required"] is True
    headers = {"Authorization": f"Bearer {given['token']}"}
    assert actors.shop.app.test_client().post("/office/v1/logout", headers=headers).status_code == 204


def test_a_temporary_password_ends_after_72_hours_with_its_sessions(actors: Actors) -> None:
    told = Office(actors, "admin").post(f"/staff/{actors.clerk.id}/password-reset").json
    start = clock.now()
    with time_machine.travel(start + timedelta(hours=71, minutes=59), tick=False):
        token = sign_in(actors, "clerk-1", told["temporary_password"]).json["token"]
    body = {"current": told["temporary_password"], "new": "夏天的风 2026 晴"}
    with time_machine.travel(start + timedelta(hours=72, minutes=1), tick=False):
        refused = sign_in(actors, "clerk-1", told["temporary_password"])
        assert (refused.status_code, refused.json["code"]) == (403, "temporary_password_expired")
        assert sign_in(actors, "clerk-1", "a guess").json["code"] == "wrong_login_or_password"
        late = actors.shop.app.test_client().post(
            "/office/v1/me/password", headers={"Authorization": f"Bearer {token}"}, json=body
        )
        assert late.status_code == 401


def test_a_session_of_a_till_opens_no_door_of_the_office(actors: Actors) -> None:
    session = staff_sign_in.sign_in(
        login="manager-1",
        password=PASSWORD,
        terminal=("S001", "T1"),
        address="10.0.0.1",
        throttle=actors.shop.parts.throttle,
        now=clock.now(),
    )
    client, headers = actors.shop.app.test_client(), {"Authorization": f"Bearer {session.token}"}
    assert client.get("/office/v1/staff", headers=headers).status_code == 401
    assert client.get("/office/v1/me", headers=headers).status_code == 401
    assert client.post("/office/v1/logout", headers=headers).status_code == 401


def sign_in(actors: Actors, login: str, password: str) -> Any:
    return actors.shop.app.test_client().post("/office/v1/login", json={"login": login, "password": password})


def test_a_password_reset_ends_sessions_and_the_old_password(actors: Actors) -> None:
    clerk = Office(actors, "clerk")
    told = Office(actors, "manager").post(f"/staff/{actors.clerk.id}/password-reset").json
    assert clerk.get("/me").status_code == 401
    assert sign_in(actors, "clerk-1", PASSWORD).status_code == 401
    assert sign_in(actors, "clerk-1", told["temporary_password"]).status_code == 200


def test_ones_own_password_is_changed_and_other_sessions_end(actors: Actors, engine: Engine) -> None:
    here, elsewhere = Office(actors, "clerk"), Office(actors, "clerk")
    changed = here.post("/me/password", {"current": PASSWORD, "new": "夏天的风 2026 晴"})
    assert (changed.status_code, changed.data) == (204, b"")
    assert here.get("/me").status_code == 200
    assert elsewhere.get("/me").status_code == 401
    assert sign_in(actors, "clerk-1", PASSWORD).status_code == 401
    assert sign_in(actors, "clerk-1", "夏天的风 2026 晴").status_code == 200
    assert rows(engine, "SELECT actor_id, data FROM audit_log WHERE action = 'staff.change_password'") == [
        (actors.clerk.id, {})
    ]


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("not the password", "a fine new password", "current_password_wrong"),
        (PASSWORD, PASSWORD, "password_unchanged"),
        (PASSWORD, "short", "password_too_weak"),
        (PASSWORD, "aaaaaaaaaaaaaa", "password_too_weak"),
        (PASSWORD, "my clerk-1 password", "password_too_weak"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    actors: Actors, current: str, new: str, code: str
) -> None:
    refused = Office(actors, "clerk").post("/me/password", {"current": current, "new": new})
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert sign_in(actors, "clerk-1", PASSWORD).status_code == 200


def test_guessing_the_own_password_of_an_open_browser_is_throttled(actors: Actors) -> None:
    clerk = Office(actors, "clerk")
    for _ in range(5):
        assert clerk.post("/me/password", {"current": "a guess", "new": "a fine new one"}).status_code == 422
    refused = clerk.post("/me/password", {"current": PASSWORD, "new": "a fine new one"})
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")


def test_of_own_passwords_guessed_at_once_no_more_than_the_limit_are_looked_at(actors: Actors) -> None:
    headers = actors.headers("clerk")

    def guess(_: int) -> str:
        client = actors.shop.app.test_client()
        asked = {"current": "a guess", "new": "a fine new one"}
        return str(client.post("/office/v1/me/password", headers=headers, json=asked).json["code"])

    answers = race(16, guess)
    assert (answers.count("current_password_wrong"), answers.count("too_many_requests")) == (5, 11)


def test_a_new_password_that_will_not_do_costs_no_try(actors: Actors) -> None:
    clerk = Office(actors, "clerk")
    for _ in range(7):
        assert clerk.post("/me/password", {"current": PASSWORD, "new": "short"}).status_code == 422
    assert clerk.post("/me/password", {"current": PASSWORD, "new": "a fine new one"}).status_code == 204


def test_a_taken_login_or_number_is_refused(actors: Actors) -> None:
    office = Office(actors, "admin")
    asked = newcomer({"role": "clerk", "store": "S001"})
    assert office.post("/staff", asked).status_code == 201
    again = office.post("/staff", {**asked, "staff_no": "NEW2"})
    assert (again.status_code, again.json["code"]) == (409, "login_taken")
    assert office.post("/staff", {**asked, "login": "somebody"}).status_code == 409


def test_what_managers_do_is_written_down_without_secrets(actors: Actors, engine: Engine) -> None:
    told = Office(actors, "manager").post(f"/staff/{actors.clerk.id}/password-reset").json
    Office(actors, "admin").post("/staff", newcomer({"role": "clerk", "store": "S001"}))
    written = rows(engine, "SELECT action, actor_id, object_id, data::text FROM audit_log")
    assert ("staff.reset_password", actors.manager.id, str(actors.clerk.id), "{}") in written
    assert told["temporary_password"] not in str(written)
    assert "a fine new password" not in str(written)


def test_people_are_listed_a_page_at_a_time(actors: Actors) -> None:
    office = Office(actors, "admin")
    logins, cursor = [], ""
    while cursor is not None:
        page = office.get(f"/staff?limit=2{cursor and '&cursor=' + cursor}").json
        logins += [person["login"] for person in page["items"]]
        cursor = page["next_cursor"]
    assert logins == ["chief", "manager-1", "clerk-1", "marketer-1", "gone-1"]


def set_status(actors: Actors, who: str, person: accounts.StaffView, status: str) -> Any:
    version = accounts.view(person.id).version
    return Office(actors, who).patch(f"/staff/{person.id}", {"version": version, "status": status})


def test_whom_an_admin_disabled_no_manager_enables(actors: Actors) -> None:
    assert set_status(actors, "admin", actors.clerk, "disabled").status_code == 200
    refused = set_status(actors, "manager", actors.clerk, "active")
    assert (refused.status_code, refused.json["code"]) == (403, "disabled_from_above")
    assert accounts.view(actors.clerk.id).status == "disabled"
    assert set_status(actors, "admin", actors.clerk, "active").status_code == 200


def test_disabling_once_more_does_not_bring_it_within_reach(actors: Actors) -> None:
    set_status(actors, "admin", actors.clerk, "disabled")
    assert set_status(actors, "manager", actors.clerk, "disabled").status_code == 200
    assert set_status(actors, "manager", actors.clerk, "active").status_code == 403


def test_an_admin_who_disables_once_more_makes_it_theirs(actors: Actors) -> None:
    set_status(actors, "manager", actors.clerk, "disabled")
    set_status(actors, "admin", actors.clerk, "disabled")
    assert set_status(actors, "manager", actors.clerk, "active").status_code == 403


def test_whom_the_operator_disabled_no_manager_enables(actors: Actors) -> None:
    assert set_status(actors, "manager", actors.disabled, "active").status_code == 403
    assert set_status(actors, "admin", actors.disabled, "active").status_code == 200


def test_whom_a_manager_disabled_their_peers_and_those_above_enable(actors: Actors) -> None:
    for who in ("manager", "admin"):
        assert set_status(actors, "manager", actors.clerk, "disabled").status_code == 200
        assert set_status(actors, who, actors.clerk, "active").status_code == 200


def test_whom_a_manager_of_all_stores_disabled_no_manager_of_one_enables(actors: Actors) -> None:
    one = actors.manager
    actors.manager = actors.shop.person("region", Grant("manager", None))
    assert set_status(actors, "manager", actors.clerk, "disabled").status_code == 200
    actors.manager = one
    assert set_status(actors, "manager", actors.clerk, "active").status_code == 403


def test_enabled_again_it_is_forgotten_who_disabled(actors: Actors) -> None:
    for who in ("admin", "admin", "manager", "manager"):
        status = "disabled" if accounts.view(actors.clerk.id).status == "active" else "active"
        assert set_status(actors, who, actors.clerk, status).status_code == 200


def test_other_changes_of_a_disabled_person_are_the_managers_and_enable_nobody(actors: Actors) -> None:
    version = accounts.view(actors.disabled.id).version
    named = Office(actors, "manager").patch(
        f"/staff/{actors.disabled.id}", {"version": version, "name": "新名"}
    )
    assert (named.status_code, named.json["status"]) == (200, "disabled")
    assert Office(actors, "manager").post(f"/staff/{actors.disabled.id}/password-reset").status_code == 200
    assert accounts.view(actors.disabled.id).status == "disabled"
