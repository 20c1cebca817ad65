"""What is recommended to a member stands in the words of campaigns and automations, by every channel."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app import clock
from app.audit import OPERATOR
from app.campaigns import halt
from app.campaigns import plan as planning
from app.campaigns.begin import begin
from app.campaigns.content import CampaignMalformed
from app.campaigns.wording import Person, addressed, words_of
from app.messages.inbox import inbox
from app.messages.preferences import set_preferences
from app.messages.send import fill_inboxes
from app.segments import save
from app.segments.rule import parse
from app.texts.malformed_campaigns import OF_A_CAMPAIGNS_PLACE
from tests.adjusting import member_no
from tests.app.campaigns.test_campaign_outcome import tried
from tests.automations import do, facts, turned_on
from tests.campaigns import APP_ID, approved, audience, begun, by_wechat, drafted, held_out, work
from tests.campaigns import INBOX as PLAIN
from tests.conftest import rows
from tests.marketing import NOON, policy, template
from tests.recommending import counted, has_bought
from tests.shop import Phone, Shop

INBOX = {
    "zh": {"title": "为您推荐{product}", "body": "{name}，试试{product}。"},
    "en": {"title": "For you: {product}", "body": "{name}, how about {product}?"},
}
PARAMS = "SELECT params FROM messages WHERE kind IN ('campaign', 'automation') ORDER BY member_id"
STATES = "SELECT state, reason FROM messages WHERE kind IN ('campaign', 'automation') ORDER BY member_id"


def said(engine: Engine) -> list[Any]:
    return [params for (params,) in rows(engine, PARAMS)]


def by_sms(value: str) -> dict[str, Any]:
    return {one: {"template": "1", "values": [value]} for one in ("zh", "en")}


def two(shop: Shop) -> list[Phone]:
    """The first bought A, with which B goes; the second has bought nothing."""
    members = [shop.member("王小明"), shop.member("李静", language="en")]
    counted(NOON, pairs=[("A", "B")])
    has_bought(members[0].member_id, "A", now=NOON)
    return members


def may_like_b(now: datetime) -> str:
    """A segment of those who bought A, with which B goes; its id."""
    counted(now, pairs=[("A", "B")])
    rule = parse({"field": "may_like", "op": "any_of", "value": ["B"]})
    return save.create(kind="rule", name="也许喜欢可颂", rule=rule, actor=OPERATOR, now=now).id


def test_each_reads_what_is_recommended_to_them(shop: Shop, unaudited_engine: Engine) -> None:
    members = two(shop)
    begun(shop, members, content={"inbox": INBOX})
    work()
    fill_inboxes(clock=lambda: NOON)
    [one] = inbox(member_id=members[0].member_id, language="zh", limit=5, before=None)
    assert (one.title, one.body) == ("为您推荐黄油可颂", "王小明，试试黄油可颂。")
    [other] = inbox(member_id=members[1].member_id, language="en", limit=5, before=None)
    assert (other.title, other.body) == ("For you: 茉莉绿茶", "李静, how about 茉莉绿茶?")


def test_whoever_mistypes_it_is_told_of_it() -> None:
    """As of every other field."""
    told = OF_A_CAMPAIGNS_PLACE["braces that stand for nothing here"]
    fields = ("name", "tier", "points", "product", "coupon", "points_given")
    assert all("{{" + field + "}}" in words for words in told for field in fields)


def test_where_nothing_is_recommended_it_reads_well_all_the_same(shop: Shop, engine: Engine) -> None:
    begun(shop, [shop.member("王小明")], content={"inbox": INBOX})
    work()
    [params] = said(engine)
    assert params["body_zh"] == "王小明，试试店内好物。"
    assert params["body_en"] == "王小明, how about something we think you'll like?"


def test_by_wechat_prose_is_shortened_for_a_long_name(shop: Shop, unaudited_engine: Engine) -> None:
    template()
    member = by_wechat(shop.member(), 1)
    counted(NOON, names={"A": "品" * 120})
    wechat = {"template_id": "sale-of-the-week", **{key: {"thing1": "试试{product}"} for key in ("zh", "en")}}
    begun(shop, [member], channel="wechat_subscribe", content={"inbox": INBOX, "wechat": wechat})
    work()
    [params] = said(unaudited_engine)
    assert params["wechat"]["data"]["thing1"]["value"] == f"试试{'品' * 17}…"
    assert params["body_zh"].endswith(f"试试{'品' * 120}。")


@pytest.mark.parametrize(
    ("channel", "part", "told"),
    [
        ("sms", {"sms": by_sms("{product}上新")}, f"{'品' * 29}…上新"),
        (
            "email",
            {"email": {key: {"subject": "{product}上新", "text": "{product}"} for key in ("zh", "en")}},
            f"{'品' * 120}上新",
        ),
        (
            "official_account",
            {"official": {"template_id": "t", **{key: {"thing1": "{product}"} for key in ("zh", "en")}}},
            f"{'品' * 19}…",
        ),
    ],
)
def test_by_the_other_channels_it_is_as_long_as_they_take(
    shop: Shop, engine: Engine, channel: str, part: dict[str, Any], told: str
) -> None:
    content = {"inbox": INBOX, **part}
    drafted(audience([]), channel=channel, content=content)
    words = words_of("王小明", "金卡", "Gold", 1, "品" * 120)
    person = Person(member_id=1, language="zh", words=words)
    assert told in str(addressed(content, channel, None, person))


def test_a_field_that_takes_no_such_name_is_refused_beforehand(shop: Shop, engine: Engine) -> None:
    template(fields=[{"key": "number1", "label": "数"}])
    wechat = {"template_id": "sale-of-the-week", **{key: {"number1": "{product}"} for key in ("zh", "en")}}
    with pytest.raises(CampaignMalformed) as refused:
        drafted(audience([]), channel="wechat_subscribe", content={"inbox": INBOX, "wechat": wechat})
    assert refused.value.data["field"] == "content.wechat.zh.number1"


def test_who_refuses_it_is_told_of_best_sellers_and_what_waits_is_not_sent(
    shop: Shop, unaudited_engine: Engine
) -> None:
    policy(quiet_from=None)
    picked, same = two(shop)
    refusing = shop.member()
    has_bought(refusing.member_id, "A", now=NOON)
    off = frozenset({"personalised"})
    set_preferences(member_id=refusing.member_id, refused=off, now=NOON)
    begun(shop, [picked, same, refusing], content={"inbox": INBOX})
    work()
    assert [one.get("personalised") for one in said(unaudited_engine)] == [True, None, None]
    assert said(unaudited_engine)[2]["title_zh"] == "为您推荐茉莉绿茶"
    for one in (picked, same):
        set_preferences(member_id=one.member_id, refused=off, now=NOON)
    assert rows(unaudited_engine, STATES) == [
        ("cancelled", "opted_out"),
        ("pending", None),
        ("pending", None),
    ]


def test_who_refuses_it_before_their_turn_is_not_told_what_a_segment_picked_them_for(
    shop: Shop, unaudited_engine: Engine
) -> None:
    policy(quiet_from=None, most_a_day=9, most_a_week=9)
    members = [shop.member() for _ in range(4)]
    meant = may_like_b(NOON)
    for one in members:
        has_bought(one.member_id, "A", now=NOON)
    campaign = approved(shop, drafted(meant, drip_hours=24))
    plain = approved(shop, drafted(audience(members, "同样的人"), drip_hours=24))
    held_out(campaign, members[2:])
    begin(plain, now=NOON)
    for one in (members[0], members[2]):
        set_preferences(member_id=one.member_id, refused=frozenset({"personalised"}), now=NOON)
    work(NOON + timedelta(hours=24))
    became = "SELECT arm, state, refused FROM campaign_members WHERE campaign_id = :id ORDER BY member_id"
    assert rows(unaudited_engine, became, id=campaign) == [
        ("told", "refused", "opted_out"),
        ("told", "planned", None),
        ("held_out", "refused", "opted_out"),
        ("held_out", "planned", None),
    ]
    # Who is meant for another reason is told.
    assert {state for _, state, _ in rows(unaudited_engine, became, id=plain)} == {"planned"}


def test_who_refuses_it_is_not_sent_what_waits_because_a_segment_picked_them(
    shop: Shop, unaudited_engine: Engine
) -> None:
    policy(quiet_from=None)
    members = [shop.member() for _ in range(2)]
    meant = may_like_b(NOON)
    for one in members:
        has_bought(one.member_id, "A", now=NOON)
    begin(approved(shop, drafted(meant)), now=NOON)
    work()
    assert rows(unaudited_engine, STATES) == [("pending", None)] * 2
    set_preferences(member_id=members[0].member_id, refused=frozenset({"personalised"}), now=NOON)
    assert rows(unaudited_engine, STATES) == [("cancelled", "opted_out"), ("pending", None)]


def test_an_automation_whose_segment_picked_them_is_not_sent_either(
    shop: Shop, unaudited_engine: Engine
) -> None:
    meant = may_like_b(clock.now())
    tells = {"message": {"channel": "inbox", "content": {"inbox": PLAIN}}}
    turned_on(shop, "joined", clock.now(), actions=tells, segment_id=meant)
    member = shop.member()
    has_bought(member.member_id, "A", now=clock.now())
    facts(shop, clock.now())
    do(clock.now())
    assert rows(unaudited_engine, STATES) == [("pending", None)]
    set_preferences(member_id=member.member_id, refused=frozenset({"personalised"}), now=clock.now())
    assert rows(unaudited_engine, STATES) == [("cancelled", "opted_out")]


def test_a_test_shows_it_too(shop: Shop, unaudited_engine: Engine) -> None:
    member, _ = two(shop)
    made = drafted(audience([]), content={"inbox": INBOX})
    tried(made.id, member_no(member))
    assert said(unaudited_engine)[0]["title_zh"] == "为您推荐黄油可颂"


def test_it_is_only_asked_where_it_is_said(shop: Shop, unaudited_engine: Engine) -> None:
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    plain, named = (
        drafted(audience(two(shop))),
        drafted(audience([shop.member()], "另"), content={"inbox": INBOX}),
    )
    event.listen(unaudited_engine, "before_cursor_execute", note)
    approved(shop, plain)
    work()
    assert not any("sold_together" in one for one in asked)
    approved(shop, named)
    work()
    assert sum("sold_together" in one for one in asked) == 1
    event.remove(unaudited_engine, "before_cursor_execute", note)


def test_fewer_are_held_at_once_while_something_is_picked_for_each(
    shop: Shop, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PICKING_BATCH", 1)
    batches: list[int] = []
    monkeypatch.setattr(planning._Batch, "tell", lambda self, ids: batches.append(len(ids)))
    members = two(shop)
    for content in ({"inbox": INBOX}, {"inbox": PLAIN}):
        campaign = begun(shop, members, content=content)
        planning.plan_due(app_id=APP_ID, now=NOON)
        halt.stop(campaign_id=campaign, actor=OPERATOR, now=NOON)
    assert batches == [1, 2]


def test_an_automation_says_it_as_well(shop: Shop, unaudited_engine: Engine) -> None:
    counted(clock.now(), pairs=[("A", "B")])
    turned_on(
        shop, "joined", clock.now(), actions={"message": {"channel": "inbox", "content": {"inbox": INBOX}}}
    )
    member = shop.member("王小明")
    has_bought(member.member_id, "A", now=clock.now())
    facts(shop, clock.now())
    do(clock.now())
    assert said(unaudited_engine)[0]["body_zh"] == "王小明，试试黄油可颂。"
