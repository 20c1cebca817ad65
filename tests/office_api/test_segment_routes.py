"""Segments through the back office: previews, versions, lists, tags, snapshots, and who may."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.campaigns import review
from app.segments import asking, preview, totals
from app.staff.roles import Grant
from app.throttle import Limit
from app.withdrawal import withdraw
from app.work import fact_relay, tell_consumers
from tests.actors import Actors, staff_token
from tests.adjusting import member_no
from tests.automations import drafted as drafted_automation
from tests.automations import turned_on
from tests.campaigns import approved, audience, drafted
from tests.conftest import rows
from tests.shop import Phone, Shop

POINTS = {"field": "points", "op": "at_least", "value": 5}


@pytest.fixture
def office(shop: Shop) -> Any:
    """As a marketer of all stores."""
    token = staff_token(shop.person("marketer", Grant("marketer", None)).id)
    client = shop.app.test_client()

    def call(path: str, json: Any = None, method: str | None = None, language: str = "zh") -> Any:
        return client.open(
            f"/office/v1{path}",
            method=method or ("GET" if json is None else "POST"),
            json=json,
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
        )

    return call


def made(office: Any, **body: Any) -> Any:
    answer = office("/segments", {"kind": "rule", "name": "五分以上", "rule": POINTS, **body})
    assert answer.status_code == 201, answer.json
    return answer.json


def numbers(*phones: Phone) -> list[str]:
    return [member_no(one) for one in phones]


def test_a_preview_counts_and_shows_some_masked(shop: Shop, office: Any) -> None:
    rich, poor = shop.member("王小明"), shop.member("李四")
    shop.earn(rich, 5)
    shop.earn(poor, 4)
    answer = office("/segments/previews", {"rule": POINTS})
    assert answer.status_code == 200, answer.json
    assert answer.json["count"] == 1
    [shown] = answer.json["sample"]
    assert (shown["name"], shown["tier"]) == ("王**", "normal")
    assert shown["member_no"].startswith("*")


def test_a_preview_shows_twenty_at_most_and_writes_nothing(shop: Shop, office: Any, engine: Engine) -> None:
    for _ in range(23):
        shop.member()
    before = rows(engine, "SELECT count(*) FROM audit_log")
    answer = office("/segments/previews", {"rule": {"field": "points", "op": "at_least", "value": 0}}).json
    assert (answer["count"], len(answer["sample"])) == (23, 20)
    # Of a number four digits are shown, and two of twenty members may have the same.
    assert len({(one["member_no"], one["joined_at"]) for one in answer["sample"]}) == 20
    assert rows(engine, "SELECT count(*) FROM audit_log") == before
    assert rows(engine, "SELECT 1 FROM segments") == []


def test_words_that_no_member_has_are_told_before_and_after_it_is_saved(shop: Shop, office: Any) -> None:
    office("/member-tags", {"tag": "vip", "members": numbers(shop.member())})
    mistyped = {"field": "tags", "op": "any_of", "value": ["vip", "vlp"]}
    hint = [{"field": "tags", "word": "vlp"}]
    seen = office("/segments/previews", {"rule": mistyped}).json
    assert (seen["count"], seen["unknown"]) == (1, hint)
    segment = made(office, rule=mistyped)
    path = f"/segments/{segment['id']}"
    assert (segment["unknown"], office(path).json["unknown"]) == (hint, hint)
    for value, unknown in ((["vip"], []), (["vlp"], hint)):
        body = {"version": segment["version"], "name": "x", "rule": {**mistyped, "value": value}}
        segment = office(path, body, method="PUT").json
        assert segment["unknown"] == unknown
    assert made(office, kind="list", rule=None)["unknown"] == []


def test_what_is_bought_counts_once_the_worker_has_been_there(shop: Shop, office: Any) -> None:
    phone = shop.member()
    shop.earn(phone, 30)
    shop.earn(phone, 20)
    rule = {
        "all": [
            {"field": "spent_fen", "op": "between", "value": [5_000, 5_000]},
            {"field": "purchases", "op": "at_least", "value": 2, "days": 0},
            {"field": "bought_in_stores", "op": "any_of", "value": ["S001"]},
            {"field": "last_purchase_days", "op": "at_most", "value": 0},
        ]
    }
    assert office("/segments/previews", {"rule": rule}).json["count"] == 0
    tell_consumers(fact_relay(shop.parts), clock.now())
    assert totals.recount() == 1
    assert office("/segments/previews", {"rule": rule}).json["count"] == 1
    assert totals.recount() == 0


def test_what_was_given_back_is_taken_out_again(shop: Shop, office: Any, engine: Engine) -> None:
    phone = shop.member()
    shop.earn(phone, 30)
    tell_consumers(fact_relay(shop.parts), clock.now())
    totals.recount()
    clerk = shop.person("clerk", Grant("clerk", shop.store.id))
    [(sale,)] = rows(engine, "SELECT id FROM sales")
    body = {"refund_no": "R1", "reason": "returned", **shop.proof(clerk)}
    refunded = shop.till.post(f"/sales/{sale}/refunds", body)
    assert refunded.status_code == 201, refunded.json
    tell_consumers(fact_relay(shop.parts), clock.now())
    assert totals.recount() == 1
    assert rows(engine, "SELECT 1 FROM member_totals UNION ALL SELECT 1 FROM member_days") == []
    assert rows(engine, "SELECT 1 FROM member_bought") == []


def test_too_slow_is_told_in_words(shop: Shop, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_HOW", {"statement_timeout": "1"})
    with (
        db.transaction() as session,
        pytest.raises(asking.SegmentTooSlow) as slow,
        asking.patient(session, 10),
    ):
        session.execute(text("SELECT pg_sleep(1)"))
    assert slow.value.data == {"most_s": 10}
    monkeypatch.setattr("app.segments.preview._asked", lambda *_: (_ for _ in ()).throw(slow.value))
    answer = office("/segments/previews", {"rule": POINTS})
    assert (answer.status_code, answer.json["code"]) == (503, "segment_too_slow")


def test_two_are_counted_at_once_and_a_third_is_told_to_come_back(
    shop: Shop, office: Any, database: Any
) -> None:
    with database.engine.connect() as one, database.engine.connect() as two:
        for connection in (one, two):
            connection.execution_options(isolation_level="READ COMMITTED")
            asking.take_place(connection)
        third = office("/segments/previews", {"rule": POINTS})
        assert (third.status_code, third.json["code"]) == (503, "segments_busy")
        assert third.headers["Retry-After"] == "2"
        one.rollback()
        assert office("/segments/previews", {"rule": POINTS}).status_code == 200


def test_by_two_or_by_one_it_is_the_same(shop: Shop, office: Any, database: Any) -> None:
    """Who has both places to herself is counted for by two connections."""
    for _ in range(25):
        shop.member()
    rule = {"field": "points", "op": "at_most", "value": 0}
    by_two = office("/segments/previews", {"rule": rule}).json
    with database.engine.connect() as other:
        asking.take_place(other)
        by_one = office("/segments/previews", {"rule": rule}).json
    assert by_two == by_one
    assert (by_two["count"], len(by_two["sample"])) == (25, 20)


def test_a_preview_cannot_write(shop: Shop, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def asked(session: Any, *_: Any) -> Any:
        seen.append(session.execute(text("SHOW transaction_read_only")).scalar_one())
        return preview._Found(count=0, sampled=())

    monkeypatch.setattr("app.segments.preview._asked", asked)
    assert office("/segments/previews", {"rule": POINTS}).status_code == 200
    assert seen == ["on", "on"]


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        (
            {},
            "须且只能有 all、any、not、field 中的一个",
            "it must have exactly one of all, any, not and field.",
        ),
        ({"all": []}, "all 长度不能小于 1", "all must have a length of 1 or more."),
        (
            {"all": [POINTS, {"not": {"field": "moon"}}]},
            "all[1].not.field 所指的条件项不存在",
            "all[1].not.field is no field",
        ),
        ({**POINTS, "op": "any_of"}, "op 只能是：at_least, at_most, between", "op must be one of: at_least"),
        ({**POINTS, "value": "5"}, "value 须为整数", "value must be a whole number."),
        ({**POINTS, "value": True}, "value 须为整数", "value must be a whole number."),
        ({**POINTS, "value": -1}, "value 不能小于 0", "value must be 0 or more."),
        ({**POINTS, "value": 10**10}, "value 不能大于 1000000000", "value must be 1000000000 or less."),
        ({**POINTS, "days": 5}, "days 不能填写", "days must be left out"),
        ({"field": "points_ending", "op": "at_least", "value": 1}, "days 必填", "days is required"),
        ({"field": "points", "op": "at_least"}, "value 必填", "value is required."),
        (
            {"field": "points", "op": "between", "value": [2, 1]},
            "第二个数不能小于第一个",
            "second number smaller",
        ),
        (
            {"field": "tags", "op": "any_of", "value": []},
            "value 长度不能小于 1",
            "value must have a length of 1 or more.",
        ),
        (
            {"field": "tags", "op": "any_of", "value": ["a\u0000"]},
            "value[0] 不能含有控制字符",
            "must not have control characters",
        ),
        (
            {"field": "tags", "op": "any_of", "value": ["a" * 65]},
            "value[0] 长度不能超过 64",
            "length of 64 or less",
        ),
        (
            {"field": "tier", "op": "any_of", "value": ["normal", "moon"]},
            "value[1] 所指的会员等级不存在",
            "value[1] is no tier.",
        ),
        (
            {"all": [{"field": "home_store", "op": "none_of", "value": ["S9"]}]},
            "all[0].value[0] 所指的门店不存在",
            "is no store.",
        ),
        (
            {"field": "lists", "op": "any_of", "value": ["x"]},
            "value[0] 所指的名单不存在",
            "is no list of members.",
        ),
        (
            {"field": "told_by_campaigns", "op": "any_of", "value": ["x"]},
            "value[0] 所指的营销活动不存在",
            "is no campaign.",
        ),
        (
            {"field": "language", "op": "any_of", "value": ["fr"]},
            "value[0] 只能是：zh, en",
            "must be one of: zh, en.",
        ),
        ({"moon": 1}, "只能有 all、any", "it may have only all, any"),
        ({"all": [POINTS, {**POINTS, "x": 1}]}, "all[1] 只能有 all、any", "all[1] may have only all, any"),
        (
            {"field": "platform", "op": "any_of", "value": ["WeChat"]},
            "value[0] 只能是：wechat_mini, telegram",
            "must be one of: wechat_mini, telegram.",
        ),
        ({"all": [POINTS], "any": [POINTS]}, "须且只能有", "exactly one of"),
        ({"not": POINTS, "days": 5}, "只有与 field 一起", "only with a field"),
        (
            {"not": {"not": {"not": {"not": {"not": {"not": {"not": POINTS}}}}}}},
            "不能超过 6 层",
            "deeper than 6 levels.",
        ),
        (
            {"any": [{"any": [POINTS] * 26}, {"all": [POINTS] * 25}]},
            "不能超过 50 个条件",
            "more than 50 conditions.",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(office: Any, rule: Any, zh: str, en: str) -> None:
    for language, words in (("zh", zh), ("en", en)):
        answer = office("/segments/previews", {"rule": rule}, language=language)
        assert (answer.status_code, answer.json["code"]) == (422, "segment_malformed")
        assert words in answer.json["detail"]


def test_fifty_conditions_at_six_levels_are_answered(office: Any) -> None:
    rule: Any = {"any": [POINTS] * 50}
    for _ in range(5):
        rule = {"not": rule}
    assert office("/segments/previews", {"rule": rule}).status_code == 200


def test_a_change_is_a_version_and_says_who(shop: Shop, office: Any, engine: Engine) -> None:
    first = made(office)
    assert (first["version"], first["state"], first["rule"], first["listed"]) == (1, "active", POINTS, None)
    body = {"version": 1, "name": "十分以上", "rule": {**POINTS, "value": 10}}
    path = f"/segments/{first['id']}"
    second = office(path, body, method="PUT")
    assert (second.status_code, second.json["version"], second.json["name"]) == (200, 2, "十分以上")
    late = office(path, body, method="PUT")
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)
    assert [one["rule"]["value"] for one in office(f"{path}/versions").json["items"]] == [10, 5]

    assert office(f"{path}/archive", {"version": 2}).json["state"] == "archived"
    assert office(path, {**body, "version": 2}, method="PUT").json["code"] == "segment_archived"
    assert office(f"{path}/snapshots", {"version": 2}).json["code"] == "segment_archived"
    assert [one["id"] for one in office("/segments?state=archived").json["items"]] == [first["id"]]
    assert office("/segments?state=active").json["items"] == []
    told = rows(engine, "SELECT action, actor_type FROM audit_log WHERE object_type = 'segment' ORDER BY id")
    assert told == [(f"segment.{what}", "staff") for what in ("create", "change", "archive")]


def test_versions_and_snapshots_are_never_changed(office: Any, unaudited_engine: Engine) -> None:
    segment = made(office)
    office(f"/segments/{segment['id']}/snapshots", {"version": 1})
    for statement in (
        "UPDATE segment_versions SET name = 'x'",
        "DELETE FROM segment_snapshots",
        "UPDATE snapshot_members SET member_id = 1",
        "TRUNCATE snapshot_members",
    ):
        with unaudited_engine.connect() as connection, pytest.raises(Exception, match="append-only"):
            connection.execute(text(statement))


def test_a_snapshot_stays_when_members_change(shop: Shop, office: Any, engine: Engine) -> None:
    phone, other = shop.member(), shop.member()
    shop.earn(phone, 5)
    segment = made(office)
    path = f"/segments/{segment['id']}/snapshots"
    frozen = office(path, {"version": 1})
    assert (frozen.status_code, frozen.json["members"], frozen.json["version"]) == (201, 1, 1)

    shop.earn(other, 5)
    withdraw(member_id=phone.member_id, now=clock.now())
    office(
        f"/segments/{segment['id']}",
        {"version": 1, "name": "x", "rule": {**POINTS, "value": 0}},
        method="PUT",
    )

    kept = "SELECT member_id FROM snapshot_members WHERE snapshot_id = :id"
    assert rows(engine, kept, id=frozen.json["id"]) == [(phone.member_id,)]
    assert office(path, {"version": 1}).json["code"] == "version_conflict"
    again = office(path, {"version": 2}).json
    assert rows(engine, kept, id=again["id"]) == [(other.member_id,)]
    assert [one["id"] for one in office(path).json["items"]] == [again["id"], frozen.json["id"]]
    told = rows(
        engine, "SELECT data ->> 'snapshot' FROM audit_log WHERE action = 'segment.snapshot' ORDER BY id"
    )
    assert told == [(frozen.json["id"],), (again["id"],)]


def test_a_list_is_those_who_were_put_in(shop: Shop, office: Any, engine: Engine) -> None:
    a, b, gone = (shop.member(name) for name in ("甲乙", "丙丁", "戊己"))
    withdrawn = numbers(gone)
    withdraw(member_id=gone.member_id, now=clock.now())
    listed = made(office, kind="list", rule=None)
    path = f"/segments/{listed['id']}"
    put = office(f"{path}/members", {"members": [*numbers(a, b, a), *withdrawn, "nobody"]})
    assert put.json == {"changed": 2, "unchanged": 0, "not_found": [*withdrawn, "nobody"]}
    assert office(f"{path}/members", {"members": numbers(a)}).json["unchanged"] == 1
    assert office(path).json["listed"] == 2
    assert [one["name"] for one in office(f"{path}/members").json["items"]] == ["甲*", "丙*"]
    inside = {"field": "lists", "op": "any_of", "value": [listed["id"]]}
    assert office("/segments/previews", {"rule": inside}).json["count"] == 2
    assert office(f"{path}/snapshots", {"version": 1}).json["members"] == 2

    assert office(f"{path}/members/remove", {"members": numbers(b)}).json["changed"] == 1
    withdraw(member_id=a.member_id, now=clock.now())
    assert rows(engine, "SELECT 1 FROM segment_list_members") == []
    told = "SELECT data -> 'members' FROM audit_log WHERE action = :action ORDER BY id"
    assert rows(engine, told, action="segment.put_in") == [([a.member_id, b.member_id],), ([],)]
    assert rows(engine, told, action="segment.take_out") == [([b.member_id],)]


def test_a_segment_by_rule_is_no_list(shop: Shop, office: Any) -> None:
    path = f"/segments/{made(office)['id']}/members"
    assert office(path).status_code == 404
    for way in (path, f"{path}/remove"):
        refused = office(way, {"members": ["1"]}, language="en")
        assert (refused.status_code, refused.json["code"]) == (422, "segment_malformed")
        assert "members are put into lists only" in refused.json["detail"]
    assert (
        office("/segments", {"kind": "list", "name": "x", "rule": POINTS}).json["code"] == "segment_malformed"
    )
    assert office("/segments", {"kind": "rule", "name": "x"}).json["code"] == "segment_malformed"


def test_a_list_has_an_end(shop: Shop, office: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.segments.static_list.MOST_LISTED", 1)
    path = f"/segments/{made(office, kind='list', rule=None)['id']}/members"
    full = office(path, {"members": numbers(shop.member(), shop.member())})
    assert (full.status_code, full.json["code"], full.json["most"]) == (409, "segment_list_full", 1)
    assert rows(engine, "SELECT 1 FROM segment_list_members") == []


def test_tags_are_put_on_and_taken_off_and_go_with_consent(shop: Shop, office: Any, engine: Engine) -> None:
    a, b = shop.member(), shop.member()
    assert office("/member-tags", {"tag": "爱喝茶", "members": numbers(a, b)}).json["changed"] == 2
    assert office("/member-tags", {"tag": "vip", "members": numbers(a)}).json["changed"] == 1
    first = office("/member-tags?limit=1").json
    rest = office(f"/member-tags?limit=1&cursor={first['next_cursor']}").json
    found = {one["tag"]: one["members"] for one in first["items"] + rest["items"]}
    assert (found, rest["next_cursor"]) == ({"爱喝茶": 2, "vip": 1}, None)
    tea = {"field": "tags", "op": "any_of", "value": ["爱喝茶"]}
    assert office("/segments/previews", {"rule": tea}).json["count"] == 2
    off = office("/member-tags/remove", {"tag": "爱喝茶", "members": numbers(a)}).json
    assert off == {"changed": 1, "unchanged": 0, "not_found": []}
    told = "SELECT action, object_id, data -> 'members' FROM audit_log WHERE object_type = 'tag' ORDER BY id"
    assert rows(engine, told) == [
        ("member.tag", "爱喝茶", [a.member_id, b.member_id]),
        ("member.tag", "vip", [a.member_id]),
        ("member.untag", "爱喝茶", [a.member_id]),
    ]
    withdraw(member_id=b.member_id, now=clock.now())
    assert rows(engine, "SELECT tag FROM member_tags") == [("vip",)]


@pytest.mark.parametrize("name", [" ", " vip", "vip "])
def test_names_and_tags_have_no_blanks_around_them(
    shop: Shop, office: Any, engine: Engine, name: str
) -> None:
    vip = {"tag": name, "members": numbers(shop.member())}
    for path, body in (
        ("/segments", {"kind": "rule", "name": name, "rule": POINTS}),
        ("/member-tags", vip),
    ):
        assert office(path, body).status_code == 422
    with engine.begin() as connection:  # as earlier versions let it be put on
        connection.execute(
            text("INSERT INTO member_tags (tag, member_id, given_at) SELECT :tag, id, now() FROM members"),
            {"tag": name},
        )
    assert office("/member-tags/remove", vip).json["changed"] == 1


def test_whoever_builds_a_page_is_told_what_can_be_asked(office: Any) -> None:
    items = {one["field"]: one for one in office("/segment-fields").json["items"]}
    ending = items["points_ending"]
    assert (ending["days"], ending["kind"], ending["most"]) == ("required", "number", 1_000_000_000)
    assert ending["words"] == {"zh": "即将到期的积分", "en": "Points expiring soon"}
    assert [one["code"] for one in items["churn_risk"]["choices"]] == ["unknown", "steady", "at_risk", "lost"]
    assert (items["tier"]["names"], items["tags"]["names"], items["age"]["most"]) == ("tier", None, 120)


def test_of_one_store_they_are_only_read(actors: Actors) -> None:
    client, headers = actors.shop.app.test_client(), actors.headers("marketer")
    assert client.get("/office/v1/segments", headers=headers).status_code == 200
    refused = client.post("/office/v1/segments/previews", json={"rule": POINTS}, headers=headers)
    assert (refused.status_code, refused.json["right"]) == (403, "segments.manage")


def test_previews_are_not_asked_for_without_end(
    shop: Shop, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("office_api.segment_previews.PREVIEWS", Limit("segment_previews", 1, 600))
    assert office("/segments/previews", {"rule": POINTS}).status_code == 200
    assert office("/segments/previews", {"rule": POINTS}).status_code == 429


def test_snapshots_are_not_taken_without_end(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("office_api.segments.SNAPSHOTS", Limit("segment_snapshots", 1, 600))
    made = office("/segments", {"kind": "rule", "name": "积分", "rule": POINTS}).json
    taken = [office(f"/segments/{made['id']}/snapshots", {"version": 1}).status_code for _ in range(2)]
    assert taken == [201, 429]


def test_who_changes_a_segment_is_told_which_campaigns_and_automations_use_it(
    shop: Shop, office: Any, engine: Engine
) -> None:
    segment, other = made(office), made(office, name="别的")
    none: dict[str, Any] = {"campaigns": [], "automations": []}
    assert office(f"/segments/{segment['id']}").json["used_by"] == none
    later = clock.now() + timedelta(days=2)
    first = approved(shop, drafted(segment["id"], name="先", starts_at=later), clock.now())
    second = approved(
        shop,
        drafted(audience([]), name="后", excluded_ids=(segment["id"],), starts_at=later + timedelta(days=1)),
        clock.now(),
    )
    drafted(segment["id"], name="草稿")
    approved(shop, drafted(other["id"]), clock.now())
    on = turned_on(shop, "joined", clock.now(), name="欢迎", segment_id=segment["id"])
    drafted_automation("joined", clock.now(), segment_id=segment["id"])
    told = {
        "campaigns": [
            {"id": first, "name": "先", "state": "scheduled"},
            {"id": second, "name": "后", "state": "scheduled"},
        ],
        "automations": [{"no": on, "name": "欢迎"}],
    }
    assert office(f"/segments/{segment['id']}").json["used_by"] == told
    body = {"version": 1, "name": "六分以上", "rule": {**POINTS, "value": 6}}
    changed = office(f"/segments/{segment['id']}", body, "PUT")
    assert (changed.status_code, changed.json["used_by"]) == (200, told)
    archived = office(f"/segments/{segment['id']}/archive", {"version": 2})
    assert (archived.status_code, archived.json["used_by"]) == (200, told)


def test_what_uses_a_segment_is_named_up_to_twenty(shop: Shop, office: Any, engine: Engine) -> None:
    segment = made(office)
    asks = shop.person("asks", Grant("marketer", None))
    for _ in range(21):
        draft = drafted(segment["id"])
        review.submit(campaign_id=draft.id, version=1, staff_id=asks.id, now=clock.now())
    used = office(f"/segments/{segment['id']}").json["used_by"]
    assert [one["state"] for one in used["campaigns"]] == ["in_review"] * 20
