"""Campaigns through the back office: who may, the second person, versions, and what was agreed to."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db, work
from app.audit import OPERATOR
from app.identity.models import OfficialFollower
from app.segments import save
from app.segments.rule import parse
from app.staff import accounts
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.adjusting import member_no
from tests.campaigns import INBOX, audience
from tests.conftest import rows
from tests.marketing import TEMPLATE, template
from tests.shop import BOSS, Shop

PATH = "/office/v1/campaigns"


class Office:
    def __init__(self, shop: Shop) -> None:
        self.shop, self.client = shop, shop.app.test_client()
        self.marketer = shop.person("marketer", Grant("marketer", None))
        self.other = shop.person("chief", Grant("admin", None))

    def call(
        self, path: str, json: Any = None, *, method: str | None = None, who: Any = None, language: str = "zh"
    ) -> Any:
        headers = {
            "Accept-Language": language,
            "Authorization": f"Bearer {staff_token((who or self.marketer).id)}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        method = method or ("GET" if json is None else "POST")
        return self.client.open(path, method=method, json=json, headers=headers)

    def draft(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": "周年庆",
            "audience": audience([self.shop.member(), self.shop.member()]),
            "channel": "inbox",
            "content": {"inbox": INBOX},
            **changed,
        }

    def made(self, **changed: Any) -> Any:
        answer = self.call(PATH, self.draft(**changed))
        assert answer.status_code == 201, answer.json
        return answer.json

    def submitted(self, made: Any) -> Any:
        answer = self.call(f"{PATH}/{made['id']}/submit", {"version": made["version"]})
        assert answer.status_code == 200, answer.json
        return answer.json

    def decided(self, waiting: Any, *, agree: bool, who: Any = None) -> Any:
        path = f"/office/v1/approvals/{waiting['approval_id']}/decision"
        return self.call(path, {"agree": agree}, who=who or self.other)

    def state(self, made: Any) -> str:
        return str(self.call(f"{PATH}/{made['id']}").json["state"])

    def worker(self) -> None:
        beats = {beat.name: beat for beat in work.beats(self.shop.parts, clock.now, lambda: True)}
        for name in ("campaigns.plan", "messages.inbox", "campaigns.finish"):
            beats[name].run(clock.now())


@pytest.fixture
def office(shop: Shop) -> Office:
    return Office(shop)


def test_from_the_draft_to_the_report(office: Office, engine: Engine) -> None:
    made = office.made(hold_out_bp=0)
    forecast = office.call(f"{PATH}/{made['id']}/forecast").json
    assert (forecast["cost"]["most_fen"], forecast["cost"]["within_budget"]) == (0, True)
    assert {name: value for name, value in forecast.items() if name != "cost"} == {
        "members": 2,
        "held_out": 0,
        "reached": 2,
        "channels": [{"channel": "inbox", "asked": 2, "reached": 2, "refused": {}}],
        "unknown": [],
    }
    waiting = office.submitted(made)
    office.worker()
    assert (office.state(made), rows(engine, "SELECT 1 FROM messages WHERE kind = 'campaign'")) == (
        "in_review",
        [],
    )
    assert office.decided(waiting, agree=True).status_code == 204
    assert office.state(made) == "scheduled"
    office.worker()
    assert office.state(made) == "done"
    found = office.call(f"{PATH}/{made['id']}/report").json
    assert (found["targeted"], found["sent"], found["pending"], found["uplift_bp"]) == (2, 2, 0, None)
    assert found["told"]["members"] == 2
    states = {state: found[state] for state in ("pending", "sent", "failed", "unknown", "cancelled")}
    assert found["channels"] == [{"channel": "inbox", **states}]
    actions = rows(engine, "SELECT action FROM audit_log WHERE object_type = 'campaign' ORDER BY id")
    assert [action for (action,) in actions] == ["campaign.create", "campaign.submit", "campaign.begin"]
    assert [one["id"] for one in office.call(f"{PATH}?state=done").json["items"]] == [made["id"]]
    assert office.call(f"{PATH}?state=draft").json["items"] == []


def test_a_forecast_tells_words_of_its_segments_that_no_member_has(office: Office) -> None:
    rule = parse({"not": {"field": "tags", "op": "any_of", "value": ["vlp"]}})
    excluded = save.create(kind="rule", name="老客", rule=rule, actor=OPERATOR, now=clock.now())
    made = office.made(excluded=[excluded.id])
    forecast = office.call(f"{PATH}/{made['id']}/forecast").json
    assert (forecast["members"], forecast["unknown"]) == (0, [{"field": "tags", "word": "vlp"}])


def test_whoever_did_not_open_it_can_be_meant_by_the_next(office: Office, engine: Engine) -> None:
    made = office.made(hold_out_bp=0)
    office.decided(office.submitted(made), agree=True)
    office.worker()
    office.worker()
    with engine.begin() as connection:
        first = "(SELECT min(id) FROM inbox_items WHERE kind = 'campaign')"
        connection.execute(text(f"UPDATE inbox_items SET read_at = now() WHERE id = {first}"))

    def count(rule: dict[str, Any]) -> int:
        answer = office.call("/office/v1/segments/previews", {"rule": rule})
        assert answer.status_code == 200, answer.json
        return int(answer.json["count"])

    told = {"field": "told_by_campaigns", "op": "any_of", "value": [made["id"]], "days": 0}
    opened_it = {"field": "opened_campaigns", "op": "any_of", "value": [made["id"]]}
    assert (count(told), count(opened_it), count({"all": [told, {"not": opened_it}]})) == (2, 1, 1)


def test_a_gift_and_a_budget_are_read_as_they_were_written(office: Office) -> None:
    gift = {"points": 20, "lifetime_days": 30}
    made = office.made(gift=gift, budget_fen=1_000)
    assert (made["gift"], made["budget_fen"]) == (gift, 1_000)
    cost = office.call(f"{PATH}/{made['id']}/forecast").json["cost"]
    assert (cost["points_fen"], cost["budget_fen"], cost["coupons_left"]) == (40, 1_000, None)
    returns = office.call(f"{PATH}/{made['id']}/report").json["returns"]
    assert (returns["given"], returns["redeemed"]["coupons"], returns["roi_bp"]) == (0, 0, None)
    none = office.call(PATH, office.draft(gift={"points": 10_000_000}))
    assert (none.status_code, none.json["field"]) == (422, "gift.points")
    none = office.call(PATH, office.draft(budget_fen=0))
    assert (none.status_code, none.json["code"]) == (422, "validation_failed")


def test_nobody_agrees_to_their_own_and_a_no_makes_it_a_draft_again(office: Office) -> None:
    own = office.call(PATH, office.draft(), who=office.other).json
    waiting = office.call(f"{PATH}/{own['id']}/submit", {"version": 1}, who=office.other).json
    alone = office.decided(waiting, agree=True)
    assert (alone.status_code, alone.json["code"]) == (403, "approver_is_requester")
    assert office.decided(waiting, agree=True, who=office.marketer).status_code == 403
    assert office.decided(waiting, agree=False).status_code == 204
    assert office.state(own) == "draft"
    again = office.call(f"{PATH}/{own['id']}/submit", {"version": 1})
    assert again.json["approval_id"] != waiting["approval_id"]
    # Whoever asked takes it back without any right to decide; of others they know nothing.
    theirs = office.submitted(office.made())
    outsider = office.shop.person("outsider", Grant("marketer", None))
    assert office.decided(theirs, agree=False, who=outsider).status_code == 404
    assert office.decided(theirs, agree=False, who=office.marketer).status_code == 204
    assert office.state(theirs) == "draft"
    assert office.decided(again.json, agree=True).status_code == 204


def test_what_waits_cannot_be_changed_and_changes_name_what_they_read(office: Office) -> None:
    made = office.made()
    changed = office.draft(name="春日", version=1)
    answer = office.call(f"{PATH}/{made['id']}", changed, method="PUT")
    assert (answer.status_code, answer.json["version"], answer.json["name"]) == (200, 2, "春日")
    late = office.call(f"{PATH}/{made['id']}", changed, method="PUT")
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)
    late = office.call(f"{PATH}/{made['id']}/submit", {"version": 1})
    assert (late.status_code, late.json["code"]) == (409, "version_conflict")
    office.submitted(answer.json)
    for path, body, method in (
        ("", {**changed, "version": 2}, "PUT"),
        ("/submit", {"version": 2}, "POST"),
        ("/pause", {}, "POST"),
        ("/stop", {}, "POST"),
    ):
        refused = office.call(f"{PATH}/{made['id']}{path}", body, method=method)
        assert (refused.status_code, refused.json["code"]) == (409, "campaign_in_other_state"), path
        assert refused.json["state"] == "in_review"


def test_what_was_agreed_to_is_told_to_no_other_segment(office: Office, engine: Engine) -> None:
    rules = [parse({"field": "points", "op": "at_least", "value": points}) for points in (0, 1)]
    audience = save.create(kind="rule", name="全部", rule=rules[0], actor=BOSS.actor, now=clock.now()).id
    made = office.made(audience=audience)
    waiting = office.submitted(made)
    save.change(segment_id=audience, version=1, name="全部", rule=rules[1], actor=BOSS.actor, now=clock.now())
    office.decided(waiting, agree=True)
    office.worker()
    shown = office.call(f"{PATH}/{made['id']}").json
    assert (shown["state"], shown["ended_for"]) == ("stopped", "version_conflict")
    assert rows(engine, "SELECT count(*) FROM campaign_members") == [(0,)]


def test_a_segment_under_another_name_is_the_one_that_was_agreed_to(office: Office) -> None:
    rule = parse({"field": "points", "op": "at_least", "value": 0})
    by_rule = save.create(kind="rule", name="全部", rule=rule, actor=BOSS.actor, now=clock.now()).id
    listed = office.made(hold_out_bp=0)
    for made, segment, asked in (
        (office.made(audience=by_rule, hold_out_bp=0), by_rule, rule),
        (listed, listed["audience"], None),
    ):
        waiting = office.submitted(made)
        save.change(segment_id=segment, version=1, name="改名", rule=asked, actor=BOSS.actor, now=clock.now())
        office.decided(waiting, agree=True)
        office.worker()
        assert office.state(made) == "done"


def test_who_lost_the_right_has_asked_for_nothing(office: Office) -> None:
    made = office.made()
    waiting = office.submitted(made)
    accounts.change(
        staff_id=office.marketer.id,
        version=office.marketer.version,
        name=None,
        status="disabled",
        grants=None,
        boss=BOSS,
        now=clock.now(),
    )
    answer = office.decided(waiting, agree=True)
    assert (answer.status_code, answer.json["code"]) == (409, "approval_outdated")
    shown = office.call(f"{PATH}/{made['id']}", who=office.other).json
    assert shown["state"] == "in_review"
    changed = office.call(f"{PATH}/{made['id']}", office.draft(version=1), method="PUT", who=office.other)
    assert (changed.status_code, changed.json["state"]) == (200, "draft")


def test_a_test_goes_to_five_at_most(office: Office) -> None:
    made = office.made()
    number = member_no(office.shop.member())
    found = office.call(f"{PATH}/{made['id']}/test", {"members": [number, "nobody"]})
    assert found.json == {
        "items": [
            {"member_no": number, "channel": "inbox", "refused": None},
            {"member_no": "nobody", "channel": None, "refused": "not_found"},
        ]
    }
    many = office.call(f"{PATH}/{made['id']}/test", {"members": ["M"] * 6})
    assert (many.status_code, many.json["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"audience": "nothing"}, 404, "not_found"),
        ({"content": {"inbox": {}}}, 422, "campaign_malformed"),
        ({"hold_out_bp": 5_001}, 422, "validation_failed"),
        ({"channel": "telegraph"}, 422, "validation_failed"),
        ({"drip_hours": 169}, 422, "validation_failed"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, 422, "campaign_malformed"),
    ],
)
def test_what_does_not_fit_is_refused(office: Office, changed: Any, status: int, code: str) -> None:
    answer = office.call(PATH, office.draft(**changed))
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_campaign_may_speak_by_the_official_account(office: Office, engine: Engine) -> None:
    """Of whom it is told, and what the message says, is frozen as by any channel."""
    official = {
        "template_id": "T1",
        "page": "pages/coupons/index",
        "zh": {"thing1": "{name}，本周八折"},
        "en": {"thing1": "20% off"},
    }
    content = {"inbox": INBOX, "official": official}
    wrong = office.call(PATH, office.draft(channel="official_account"))
    assert (wrong.status_code, wrong.json["field"]) == (422, "content.official")
    made = office.made(channel="official_account", content=content)
    follows = office.shop.member()
    with db.transaction() as session:
        session.add(
            OfficialFollower(
                openid_index=b"i", app_id="wx", cipher=b"c", member_id=follows.member_id, told_at=clock.now()
            )
        )
    people = {"members": [member_no(follows), member_no(office.shop.member())]}
    tried = office.call(f"{PATH}/{made['id']}/test", people).json["items"]
    assert [one["refused"] for one in tried] == [None, "no_address"]
    [(params,)] = rows(engine, "SELECT params -> 'wechat' FROM messages WHERE channel = 'official_account'")
    assert (params["page"], params["data"]) == (
        f"pages/coupons/index?campaign={made['id']}",
        {"thing1": {"value": "会员，本周八折"}},
    )
    # Prose that has no room even without a name is not cut, it is refused.
    official["zh"] = {"thing1": "{name}" + "八" * 20}
    long = office.call(PATH, office.draft(channel="official_account", content=content))
    assert (long.status_code, long.json["code"], long.json["field"]) == (
        422,
        "campaign_malformed",
        "content.official.zh.thing1",
    )


@pytest.mark.parametrize(
    ("key", "words", "told"),
    [
        ("thing1", "A whole sentence about tea", "content.wechat.en.thing1 is longer than WeChat shows: 20"),
        ("number1", "twenty", "content.wechat.en.number1 is not what WeChat takes there: a number has only"),
    ],
)
def test_what_wechat_would_not_take_is_refused_with_its_place(
    office: Office, key: str, words: str, told: str
) -> None:
    template(fields=[{"key": key, "label": "内容"}])
    wechat = {"template_id": TEMPLATE, "zh": {key: "8"}, "en": {key: words}}
    content = {"inbox": INBOX, "wechat": wechat}
    refused = office.call(PATH, office.draft(channel="wechat_subscribe", content=content), language="en")
    assert (refused.status_code, refused.json["code"]) == (422, "campaign_malformed")
    assert told in refused.json["detail"]


def test_the_audience_is_not_excluded_from_itself(office: Office) -> None:
    draft = office.draft()
    refused = office.call(PATH, {**draft, "excluded": [draft["audience"]]})
    assert (refused.status_code, refused.json["field"]) == (422, "excluded")


@pytest.mark.parametrize("name", [" ", " 周年庆", "周年庆 "])
def test_a_name_shows_and_has_no_blanks_around_it(office: Office, name: str) -> None:
    made = office.made()
    for answer in (
        office.call(PATH, office.draft(name=name)),
        office.call(f"{PATH}/{made['id']}/duplicate", {"name": name}),
    ):
        assert (answer.status_code, list(answer.json["fields"]["json"])) == (422, ["name"])


def test_the_second_person_sees_for_how_long_purchases_count(office: Office) -> None:
    waiting = office.submitted(office.made(attribution_days=3))
    shown = office.call("/office/v1/approvals?state=pending", who=office.other).json["items"]
    assert [one["details"]["attribution_days"] for one in shown if one["id"] == waiting["approval_id"]] == [3]


def test_what_has_not_begun_is_taken_back_and_needs_a_second_person_anew(
    office: Office, engine: Engine
) -> None:
    soon = (clock.now() + timedelta(hours=2)).isoformat()
    made = office.made(starts_at=soon)
    path = f"{PATH}/{made['id']}/take-back"
    early = office.call(path, {"version": 1})
    assert (early.status_code, early.json["code"], early.json["state"]) == (
        409,
        "campaign_in_other_state",
        "draft",
    )
    waiting = office.submitted(made)
    assert office.decided(waiting, agree=True).status_code == 204
    assert office.call(path, {"version": 2}).json["code"] == "version_conflict"
    taken = office.call(path, {"version": 1})
    assert taken.status_code == 200, taken.json
    assert (taken.json["state"], taken.json["approval_id"]) == ("draft", None)
    assert datetime.fromisoformat(taken.json["starts_at"]) == datetime.fromisoformat(soon)
    assert office.decided(waiting, agree=True).json["code"] == "approval_decided"
    again = office.draft(starts_at=soon, name="再想想") | {"version": 1}
    changed = office.call(f"{PATH}/{made['id']}", again, method="PUT")
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    anew = office.submitted(changed.json)
    assert anew["approval_id"] != waiting["approval_id"]
    [(actor, data)] = rows(engine, "SELECT actor_id, data FROM audit_log WHERE action = 'campaign.take_back'")
    assert (actor, data) == (office.marketer.id, {"approval_id": waiting["approval_id"]})


def test_a_draft_that_nobody_needs_is_discarded_for_good(office: Office, engine: Engine) -> None:
    made, other = office.made(), office.made(name="另一个")
    path = f"{PATH}/{made['id']}"
    late = office.call(f"{path}/discard", {"version": 2})
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 1)
    gone = office.call(f"{path}/discard", {"version": 1})
    assert (gone.status_code, gone.json["state"]) == (200, "discarded")

    def listed(query: str) -> list[str]:
        return [one["id"] for one in office.call(f"{PATH}{query}").json["items"]]

    assert (listed(""), listed("?state=draft")) == ([other["id"]], [other["id"]])
    assert listed("?state=discarded") == [made["id"]]
    assert office.state(made) == "discarded"
    for refused in (
        office.call(f"{path}/discard", {"version": 1}),
        office.call(f"{path}/submit", {"version": 1}),
        office.call(path, office.draft(version=1), method="PUT"),
    ):
        assert (refused.status_code, refused.json["code"]) == (409, "campaign_in_other_state")
    assert office.call(f"{path}/duplicate", {"name": "还是要"}).json["state"] == "draft"
    office.submitted(other)
    waiting = office.call(f"{PATH}/{other['id']}/discard", {"version": 1})
    assert (waiting.status_code, waiting.json["state"]) == (409, "in_review")
    told = rows(engine, "SELECT actor_id, object_id FROM audit_log WHERE action = 'campaign.discard'")
    assert told == [(office.marketer.id, made["id"])]


def test_a_time_that_is_over_is_forgotten_when_it_is_taken_back(office: Office) -> None:
    made = office.made()
    office.decided(office.submitted(made), agree=True)
    taken = office.call(f"{PATH}/{made['id']}/take-back", {"version": 1}).json
    assert (taken["state"], taken["starts_at"]) == ("draft", None)
    office.worker()
    assert office.state(made) == "draft"


def test_an_archived_segment_is_told_nothing(office: Office) -> None:
    made = office.made()
    save.archive(segment_id=made["audience"], version=1, actor=BOSS.actor, now=clock.now())
    for answer in (
        office.call(PATH, office.draft(audience=made["audience"])),
        office.call(f"{PATH}/{made['id']}/submit", {"version": 1}),
        office.call(f"{PATH}/{made['id']}/duplicate", {"name": "再来"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "segment_archived")


def test_a_marketer_of_one_store_sees_campaigns_and_makes_none(office: Office, shop: Shop) -> None:
    made = office.made()
    here = shop.person("here", Grant("marketer", shop.store.id))
    assert office.call(f"{PATH}/{made['id']}/report", who=here).status_code == 200
    refused = office.call(PATH, office.draft(), who=here)
    assert (refused.status_code, refused.json["right"]) == (403, "campaigns.manage")
