"""Automations through the back office: the second person, the switch, ready drafts, and what is refused."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, work
from app.automations import days, events
from app.campaigns.hold_out import is_held_out
from app.segments import save
from app.segments.rule import parse
from app.staff.roles import Grant
from tests import coupons as coupon
from tests.actors import staff_token
from tests.automations import TELL
from tests.campaigns import INBOX, audience
from tests.conftest import rows
from tests.shop import BOSS, Shop

PATH = "/office/v1/automations"


class Office:
    def __init__(self, shop: Shop) -> None:
        self.shop, self.client = shop, shop.app.test_client()
        self.marketer = shop.person("marketer", Grant("marketer", None))
        self.other = shop.person("chief", Grant("admin", None))

    def call(self, path: str, json: Any = None, *, method: str | None = None, who: Any = None) -> Any:
        headers = {
            "Authorization": f"Bearer {staff_token((who or self.marketer).id)}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        method = method or ("GET" if json is None else "POST")
        return self.client.open(path, method=method, json=json, headers=headers)

    def draft(self, **changed: Any) -> dict[str, Any]:
        return {"name": "欢迎", "trigger": {"kind": "joined"}, "actions": TELL, **changed}

    def made(self, **changed: Any) -> Any:
        answer = self.call(PATH, self.draft(**changed))
        assert answer.status_code == 201, answer.json
        return answer.json

    def submitted(self, made: Any) -> Any:
        answer = self.call(f"{PATH}/{made['no']}/submit", {"version": made["version"]})
        assert answer.status_code == 200, answer.json
        return answer.json

    def decided(self, waiting: Any, *, agree: bool, who: Any = None) -> Any:
        path = f"/office/v1/approvals/{waiting['approval_id']}/decision"
        return self.call(path, {"agree": agree}, who=who or self.other)

    def turned_on(self, **changed: Any) -> Any:
        made = self.made(**changed)
        assert self.decided(self.submitted(made), agree=True).status_code == 204
        return made

    def state(self, made: Any) -> str:
        return str(self.call(f"{PATH}/{made['no']}").json["state"])

    def worker(self) -> None:
        beats = {beat.name: beat for beat in work.beats(self.shop.parts, clock.now, lambda: True)}
        for name in ("facts.relay", "automations.scan", "automations.act", "messages.inbox"):
            beats[name].run(clock.now())


@pytest.fixture
def office(shop: Shop) -> Office:
    return Office(shop)


def test_from_the_draft_to_the_report(office: Office, engine: Engine) -> None:
    made = office.made()
    assert office.call(f"{PATH}/{made['no']}/dry-run?days=7").json["runs"] == 0
    waiting = office.submitted(made)
    office.shop.member()
    office.worker()
    assert (office.state(made), rows(engine, "SELECT 1 FROM automation_runs")) == ("in_review", [])
    assert office.decided(waiting, agree=True).status_code == 204
    assert office.state(made) == "on"
    phone = office.shop.member()
    office.worker()
    office.shop.earn(phone, 12)
    found = office.call(f"{PATH}/{made['no']}/report").json
    assert (found["triggered"], found["acted"], found["messages"]["sent"]) == (1, 1, 1)
    assert (found["buyers"], found["sales"], found["revenue_fen"]) == (1, 1, 1_200)
    actions = rows(engine, "SELECT action FROM audit_log WHERE object_type = 'automation' ORDER BY id")
    assert [action for (action,) in actions] == ["automation.create", "automation.submit"]
    dry = office.call(f"{PATH}/{made['no']}/dry-run?days=1").json
    assert (dry["members"], dry["complete"], len(dry["by_day"]), len(dry["sample"])) == (2, True, 1, 2)
    assert [one["no"] for one in office.call(f"{PATH}?state=on").json["items"]] == [made["no"]]
    assert office.call(f"{PATH}?state=draft").json["items"] == []


def test_nobody_agrees_to_their_own_and_a_no_makes_it_a_draft_again(office: Office) -> None:
    own = office.call(PATH, office.draft(), who=office.other).json
    waiting = office.call(f"{PATH}/{own['no']}/submit", {"version": 1}, who=office.other).json
    alone = office.decided(waiting, agree=True)
    assert (alone.status_code, alone.json["code"]) == (403, "approver_is_requester")
    assert office.decided(waiting, agree=False).status_code == 204
    assert office.state(own) == "draft"


def test_the_second_person_sees_what_it_may_give_at_most_and_the_message_names_it(
    office: Office, engine: Engine
) -> None:
    template = coupon.live_template(clock.now())
    actions = {"points": {"points": 30, "lifetime_days": 90}, "coupon": {"template": template, "count": 2}}
    named = {"title": "{coupon}", "body": "+{points_given}"}
    told = {"message": {"channel": "inbox", "content": {"inbox": {"zh": named, "en": named}}}}
    nothing = office.call(PATH, office.draft(actions=told))
    assert (nothing.status_code, nothing.json["code"]) == (422, "automation_malformed")
    waiting = office.submitted(office.made(actions=actions | told, max_runs=1_000))
    shown = office.call("/office/v1/approvals?state=pending", who=office.other).json["items"]
    [details] = [one["details"] for one in shown if one["id"] == waiting["approval_id"]]
    assert (details["points_at_most"], details["coupons_at_most"]) == (30_000, 2_000)
    assert (details["coupon"], details["hold_out_bp"]) == ("十元券", 0)
    assert office.decided(waiting, agree=True).status_code == 204
    office.shop.member()
    office.worker()
    [(params,)] = rows(engine, "SELECT params FROM messages WHERE kind = 'automation'")
    assert (params["title_zh"], params["body_en"]) == ("十元券", "+30")


def test_who_is_held_out_stands_in_draft_review_and_report(office: Office) -> None:
    assert office.call(PATH, office.draft(hold_out_bp=5_001)).status_code == 422
    made = office.made(hold_out_bp=5_000)
    waiting = office.submitted(made)
    shown = office.call("/office/v1/approvals?state=pending", who=office.other).json["items"]
    [details] = [one["details"] for one in shown if one["id"] == waiting["approval_id"]]
    assert (made["hold_out_bp"], details["hold_out_bp"]) == (5_000, 5_000)
    assert office.decided(waiting, agree=True).status_code == 204
    out = {phone.member_id for phone in (office.shop.member() for _ in range(12))}
    out = {one for one in out if is_held_out(f"automation:{made['no']}", one, 5_000)}
    office.worker()
    found = office.call(f"{PATH}/{made['no']}/report").json
    assert (found["refused"].get("held_out", 0), found["acted"]) == (len(out), 12 - len(out))
    nobody = {"buyers": 0, "sales": 0, "revenue_fen": 0}
    assert found["told"] == {"members": 12 - len(out), "rate_bp": 0 if len(out) < 12 else None, **nobody}
    assert found["control"] == {"members": len(out), "rate_bp": 0 if out else None, **nobody}
    assert office.call(f"{PATH}/{made['no']}/dry-run?days=1").json["held_out"] == len(out)


def test_the_switch_and_a_change_that_needs_a_second_person_again(office: Office) -> None:
    made = office.turned_on()
    path = f"{PATH}/{made['no']}"
    changed = office.draft(name="改过", version=1)
    refused = office.call(path, changed, method="PUT")
    assert (refused.status_code, refused.json["code"]) == (409, "automation_in_other_state")
    assert office.call(f"{path}/off", {}).json["state"] == "off"
    assert office.call(f"{path}/on", {}).json["state"] == "on"
    again = office.call(f"{path}/on", {})
    assert (again.status_code, again.json["state"]) == (409, "on")
    office.call(f"{path}/off", {})
    answer = office.call(path, changed, method="PUT")
    assert (answer.json["state"], answer.json["version"]) == ("draft", 2)
    late = office.call(path, changed, method="PUT")
    assert (late.status_code, late.json["code"]) == (409, "version_conflict")
    assert office.call(f"{path}/on", {}).status_code == 409
    office.submitted(answer.json)
    assert office.call(f"{path}/archive", {}).status_code == 409
    second = office.turned_on()
    assert office.call(f"{PATH}/{second['no']}/archive", {}).json["state"] == "archived"


def test_the_segment_stays_the_one_that_was_agreed_to(office: Office, engine: Engine) -> None:
    rule = {"field": "joined_days", "op": "at_most", "value": 3}
    new = save.create(kind="rule", name="新会员", rule=parse(rule), actor=BOSS.actor, now=clock.now())
    office.turned_on(segment=new.id)
    nobody = parse({"field": "purchases", "op": "at_least", "value": 9})
    save.change(segment_id=new.id, version=1, name="别人", rule=nobody, actor=BOSS.actor, now=clock.now())
    office.shop.member()
    office.worker()
    assert rows(engine, "SELECT state FROM automation_runs") == [("acted",)]


def test_each_ready_draft_can_be_made_as_it_is(office: Office) -> None:
    template = coupon.live_template(clock.now())
    items = office.call(f"{PATH}/templates").json["items"]
    assert {one["draft"]["trigger"]["kind"] for one in items} == {*events.QUESTIONS, *days.QUESTIONS}
    for one in items:
        if one["to_fill"]:
            empty = office.call(PATH, one["draft"])
            assert (empty.status_code, empty.json["field"]) == (422, one["to_fill"][0])
            assert "所指的券不存在" in empty.json["detail"]
            one["draft"]["actions"]["coupon"]["template"] = template
        answer = office.call(PATH, one["draft"])
        assert answer.status_code == 201, (one["code"], answer.json)


MISFITS: list[tuple[dict[str, Any], int, str]] = [
    ({"trigger": {"kind": "moon"}}, 422, "trigger.kind"),
    ({"trigger": {"kind": "no_visit"}}, 422, "trigger"),
    ({"trigger": {"kind": "no_visit", "days": 0}}, 422, "trigger.days"),
    ({"trigger": {"kind": "no_visit", "days": 1, "why": 1}}, 422, "trigger"),
    ({"trigger": {"kind": "tier_up", "tier": "moon"}}, 422, "trigger.tier"),
    ({"trigger": {"kind": "event_booked", "event": "E0"}}, 422, "trigger.event"),
    ({"trigger": {"kind": "coupon_used", "template": "A\x00"}}, 422, "trigger.template"),
    ({"actions": {}}, 422, "actions"),
    ({"actions": {"points": {"points": 1}}}, 422, "max_runs"),
    ({"actions": {"points": {"points": 1_000_001}}, "max_runs": 1}, 422, "actions.points.points"),
    ({"actions": {"coupon": {"template": "NONE"}}, "max_runs": 1}, 422, "actions.coupon.template"),
    ({"actions": {"tag_on": "a\nb"}}, 422, "actions.tag_on"),
    ({"actions": {"tag_on": "茶", "tag_off": "茶"}}, 422, "actions.tag_off"),
    (
        {"actions": {"message": {"channel": "sms", "content": {"inbox": INBOX}}}},
        422,
        "actions.message.content.sms",
    ),
    ({"once": "days"}, 422, "once_days"),
    ({"segment": "nothing"}, 404, "segment"),
]


def test_what_does_not_fit_is_refused(office: Office) -> None:
    for changed, status, told in MISFITS:
        answer = office.call(PATH, office.draft(**changed))
        code = "automation_malformed" if status == 422 else "not_found"
        assert (answer.status_code, answer.json["code"], answer.json["field"]) == (status, code, told), (
            changed
        )


def test_an_archived_segment_is_asked_nothing(office: Office) -> None:
    people = audience([office.shop.member()])
    made = office.made(segment=people)
    save.archive(segment_id=people, version=1, actor=BOSS.actor, now=clock.now())
    for answer in (
        office.call(PATH, office.draft(segment=people)),
        office.call(f"{PATH}/{made['no']}/submit", {"version": 1}),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "segment_archived")


def test_a_marketer_of_one_store_sees_automations_and_makes_none(office: Office, shop: Shop) -> None:
    made = office.made()
    here = shop.person("here", Grant("marketer", shop.store.id))
    assert office.call(f"{PATH}/{made['no']}/report", who=here).status_code == 200
    refused = office.call(PATH, office.draft(), who=here)
    assert (refused.status_code, refused.json["right"]) == (403, "campaigns.manage")
