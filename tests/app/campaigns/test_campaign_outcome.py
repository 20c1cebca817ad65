"""What came of a campaign: the two arms, and nothing divided by nobody; tests of it that colleagues get."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, idempotency
from app.audit import OPERATOR
from app.campaigns import draft
from app.campaigns.content import CampaignMalformed
from app.campaigns.report import report
from app.campaigns.try_out import TriedOut, try_out
from app.messages.inbox import inbox, mark_read
from app.messages.preferences import set_preferences
from app.messages.send import fill_inboxes
from app.staff.roles import Grant
from tests.adjusting import member_no
from tests.campaigns import APP_ID, INBOX, WECHAT, audience, begun, by_wechat, drafted, held_out, work
from tests.conftest import rows
from tests.marketing import NOON, TEMPLATE, asked, plan, template
from tests.shop import Phone, Shop


def test_a_report_of_nobody_divides_by_nobody(shop: Shop) -> None:
    made = drafted(audience([]))
    found = report(campaign_id=made.id, now=NOON)
    assert (found.targeted, found.told.rate_bp, found.control.rate_bp, found.uplift_bp) == (
        0,
        None,
        None,
        None,
    )


def test_the_arms_are_compared_by_what_they_kept(shop: Shop, engine: Engine) -> None:
    people = [shop.member() for _ in range(6)]
    held = people[4:]
    shop.earn(people[1], 7)  # before
    now = clock.now()
    campaign = begun(shop, people, now)
    held_out(campaign, held, now)
    work(now)
    fill_inboxes(clock=lambda: now)
    [item] = inbox(member_id=people[0].member_id, language="zh", limit=5, before=None)
    mark_read(member_id=people[0].member_id, item_id=item.id, now=now)
    for phone, points in ((people[0], 10), (people[0], 5), (people[2], 20), (people[3], 8), (held[0], 3)):
        shop.earn(phone, points)
    given_back(shop, engine, people[3], 800)
    given_back(shop, engine, people[2], 500)

    found = report(campaign_id=campaign, now=clock.now())

    assert (found.targeted, found.held_out, found.planned, found.messages.sent, found.read) == (6, 2, 4, 4, 1)
    told, control = found.told, found.control
    assert (told.members, told.buyers, told.sales, told.revenue_fen) == (4, 2, 3, 3_000)
    assert (control.members, control.buyers, control.sales, control.revenue_fen) == (2, 1, 1, 300)
    assert (told.rate_bp, control.rate_bp, found.uplift_bp) == (5_000, 5_000, 0)
    with engine.begin() as connection:  # as if it had been a while ago
        earlier = "UPDATE campaign_members SET told_at = told_at - interval '8 days' WHERE member_id = :id"
        connection.execute(text(earlier), {"id": held[0].member_id})
    assert report(campaign_id=campaign, now=clock.now()).uplift_bp == 5_000


def given_back(shop: Shop, engine: Engine, phone: Phone, fen: int | None) -> None:
    """So much of the member's one sale (None: all of it), through the till."""
    [(sale,)] = rows(
        engine, "SELECT id FROM sales WHERE member_id = :m ORDER BY id DESC LIMIT 1", m=phone.member_id
    )
    clerk = shop.person(f"clerk-{phone.member_id}", Grant("manager", shop.store.id))
    body = {"refund_no": f"R{sale}"[:40], "reason": "other", "staff_no": clerk.staff_no}
    body |= {} if fen is None else {"amount_fen": fen}
    answer = shop.till.post(f"/sales/{sale}/refunds", body)
    assert answer.status_code == 201, answer.json


# Tests of a campaign


def tried(campaign: str, *numbers: str, key: str = "k") -> TriedOut:
    request = idempotency.Request(scope="tests", key=key, hash=b"")
    return try_out(
        campaign_id=campaign, numbers=numbers, app_id=APP_ID, actor=OPERATOR, request=request, now=NOON
    )


def test_a_test_is_marked_goes_beyond_caps_and_once_for_a_key(shop: Shop, engine: Engine) -> None:
    free, capped, refusing = shop.member(), shop.member(), shop.member()
    plan([capped.member_id], asked(), "another")
    set_preferences(member_id=refusing.member_id, refused=frozenset({"all"}), now=NOON)
    made = drafted(audience([]), hold_out_bp=5_000)
    numbers = [member_no(one) for one in (refusing, capped, free)]

    found = tried(made.id, *numbers, "nobody")
    assert [(one.member_no, one.channel, one.refused) for one in found.items] == [
        (numbers[0], None, "opted_out"),
        (numbers[1], "inbox", None),
        (numbers[2], "inbox", None),
        ("nobody", None, "not_found"),
    ]
    assert tried(made.id, *numbers, "nobody") == found
    assert rows(engine, "SELECT count(*) FROM messages WHERE kind = 'campaign'") == [(2,)]
    fill_inboxes(clock=lambda: NOON)
    [shown] = inbox(member_id=free.member_id, language="en", limit=5, before=None)
    assert shown.title == "[Test] Our anniversary"
    assert report(campaign_id=made.id, now=NOON).targeted == 0
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action = 'campaign.test'") == [(1,)]


def test_a_test_by_wechat_takes_a_credit_or_goes_to_the_inbox(shop: Shop, engine: Engine) -> None:
    template()
    rich, poor = by_wechat(shop.member(), 1), by_wechat(shop.member())
    numbers = [member_no(rich), member_no(poor)]
    alone = drafted(audience([]), channel="wechat_subscribe")
    both = drafted(audience([]), channel="wechat_subscribe", else_inbox=True)
    assert [one.refused for one in tried(alone.id, numbers[1], key="1").items] == ["no_credit"]
    assert [one.channel for one in tried(both.id, *numbers, key="2").items] == ["wechat_subscribe", "inbox"]


# Content


def refused(field: str, **what: Any) -> None:
    with pytest.raises(CampaignMalformed) as error:
        drafted(audience([]), **what)
    assert error.value.data["field"] == field


def inbox_of(**changed: Any) -> Any:
    return {"inbox": {**INBOX, "zh": {**INBOX["zh"], **changed}}}


def test_what_could_not_be_said_is_refused_before_anybody_agrees(shop: Shop) -> None:
    refused("content.inbox.zh.title", content=inbox_of(title=""))
    refused("content.inbox.zh.body", content=inbox_of(body="{phone}"))
    refused("content.inbox.zh.body", content=inbox_of(body="{name"))
    refused("content.inbox.zh.title", content=inbox_of(title="a\nb"))
    refused("content.inbox.zh.body", content=inbox_of(body="\x00"))
    refused("content.inbox", content={"inbox": {"zh": INBOX["zh"]}})
    refused("content.wechat", content={"inbox": INBOX, "wechat": WECHAT})
    refused("content.wechat", channel="wechat_subscribe", content={"inbox": INBOX})
    refused("content.wechat.template_id", channel="wechat_subscribe")  # nobody has registered it
    refused("starts_at", starts_at=NOON + timedelta(days=400))
    one = audience([])
    refused("excluded", excluded_ids=(one, one))


def test_wechats_fields_have_to_fit_whatever_is_filled_in(shop: Shop) -> None:
    fields = [{"key": "thing1", "label": "活动"}, {"key": "number2", "label": "积分"}]
    template(fields=fields)

    def by(**texts: str) -> None:
        wechat = {"template_id": TEMPLATE, "zh": texts, "en": texts}
        drafted(audience([]), channel="wechat_subscribe", content={"inbox": INBOX, "wechat": wechat})

    by(thing1="{name}，您有新礼遇", number2="{points}")
    with pytest.raises(CampaignMalformed) as words:
        by(thing1="八折", number2="{name}")
    assert words.value.data["field"] == "content.wechat.zh.number2"
    with pytest.raises(CampaignMalformed):
        by(thing1="八折")
    template("retired", active=False)
    template("service", category="service")
    for other in ("retired", "service"):
        wechat = {"template_id": other, "zh": {"thing1": "八折"}, "en": {"thing1": "八折"}}
        refused(
            "content.wechat.template_id",
            channel="wechat_subscribe",
            content={"inbox": INBOX, "wechat": wechat},
        )


def test_an_sms_has_room_for_the_longest_name(shop: Shop) -> None:
    def by(value: str) -> Any:
        text = {"template": "1234", "values": [value]}
        return {"inbox": INBOX, "sms": {"zh": text, "en": text}}

    drafted(audience([]), channel="sms", content=by("{name}您好"))
    refused("content.sms.zh", channel="sms", content=by("{name}" * 4))
    letter = {"subject": "{name}" * 10, "text": "八折"}
    content = {"inbox": INBOX, "email": {"zh": letter, "en": letter}}
    refused("content.email.zh.subject", channel="email", content=content)


def test_a_copy_says_the_same_and_is_a_draft_of_its_own(shop: Shop) -> None:
    campaign = begun(shop, [shop.member()], drip_hours=4, starts_at=NOON + timedelta(days=1))
    copied = draft.duplicate(campaign_id=campaign, name="再来一次", actor=OPERATOR, now=NOON)
    assert (copied.state, copied.version, copied.name) == ("draft", 1, "再来一次")
    assert (copied.starts_at, copied.drip_hours, copied.approval_id) == (None, 4, None)
    assert copied.content["inbox"] == INBOX
