"""What a campaign gives: to each who is told, once, as long as there is some, and to nobody who is held out."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import db
from app.audit import OPERATOR
from app.campaigns import giving, halt
from app.campaigns import plan as planning
from app.campaigns.begin import begin
from app.campaigns.campaign import one
from app.campaigns.content import CampaignMalformed
from app.campaigns.forecast import forecast
from app.campaigns.report import report
from app.coupons.face import face_of
from app.coupons.issue import Source, issue
from app.coupons.template import Draft, load, write
from app.messages.inbox import inbox
from app.messages.send import fill_inboxes
from app.segments import static_list
from app.segments.asking import SegmentTooSlow
from tests.adjusting import member_no
from tests.app.campaigns.test_campaign_planning import counted, crowd, ids, told
from tests.campaigns import (
    APP_ID,
    INBOX,
    approved,
    audience,
    begun,
    by_wechat,
    coupons,
    drafted,
    held_out,
    work,
)
from tests.conftest import rows
from tests.coupons import TEN_OFF, give
from tests.marketing import NOON, policy, template
from tests.racing import race
from tests.shop import Phone, Shop

COUPONS = """
    SELECT issued_to, count(*) FROM coupons WHERE source = 'campaign' GROUP BY 1 ORDER BY 1"""
POINTS = """
    SELECT a.member_id, e.amount FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
    JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.kind = 'campaign' ORDER BY 1"""
REFUSED = "SELECT arm, refused, count(*) FROM campaign_members WHERE refused IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
NAMING = {
    "inbox": {
        "zh": {"title": "送您{coupon}", "body": "{name}，另有{points_given}积分。"},
        "en": {"title": "For you: {coupon}", "body": "{name}, and {points_given} points."},
    }
}


def ended(campaign: str) -> tuple[str, dict[str, int]]:
    """Its state, and of those told why some were not."""
    halt.finish(now=NOON)
    found = report(campaign_id=campaign, now=NOON)
    return found.state, dict(found.refused)


def test_who_is_told_has_both_and_who_is_held_out_has_nothing(shop: Shop, engine: Engine) -> None:
    people = [shop.member("王小明"), *crowd(shop, 4)]
    gift = {**coupons(2), "points": 1_500, "lifetime_days": 10}
    campaign = begun(shop, people, content=NAMING, gift=gift)
    held_out(campaign, people[3:])
    work()
    lucky = ids(people[:3])
    assert told(engine) == lucky
    assert rows(engine, COUPONS) == [(one, 2) for one in lucky]
    assert rows(engine, POINTS) == [(one, 1_500) for one in lucky]
    assert rows(engine, "SELECT DISTINCT CAST(expires_at - :now AS text) FROM ledger_lots", now=NOON) == [
        ("10 days 12:00:00",)
    ]
    fill_inboxes(clock=lambda: NOON)
    [item] = inbox(member_id=people[0].member_id, language="zh", limit=5, before=None)
    assert (item.title, item.body) == ("送您十元券", "王小明，另有1,500积分。")
    assert "coupons_issued" not in str(rows(engine, "SELECT kind FROM facts")), "the message tells of them"
    assert report(campaign_id=campaign, now=NOON).returns.given == len(lucky)


def test_what_was_given_is_not_given_again_when_it_goes_on(shop: Shop, engine: Engine) -> None:
    policy(fen_per_1000_wechat=1_500)
    template()
    people = [by_wechat(one, 1) for one in crowd(shop, 3)]
    gift = {**coupons(stock=3), "points": 10}
    campaign = begun(shop, people, channel="wechat_subscribe", gift=gift)
    spent = "SELECT spent, (SELECT sum(message_cost) FROM campaign_members) FROM campaigns"
    work()
    all_of_it = 3 * (1_500 + 10 * 1_000 + 1_000 * 1_000)
    assert rows(engine, spent) == [(all_of_it, 4_500)]

    halt.pause(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()
    assert rows(engine, spent) == [(all_of_it - 4_500, 0)], "what is not sent is not paid for"
    halt.resume(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()

    assert told(engine) == ids(people)
    assert rows(engine, COUPONS) == [(one, 1) for one in ids(people)]
    assert rows(engine, POINTS) == [(one, 10) for one in ids(people)]
    assert rows(engine, spent) == [(all_of_it, 4_500)]


def test_who_cannot_have_the_coupon_is_not_told_of_it(shop: Shop, engine: Engine) -> None:
    first, had, *rest = crowd(shop, 6)
    gift = coupons(stock=4, terms={"per_member": 1})
    give(gift["coupon_template"], had.member_id, NOON)
    campaign = begun(shop, [first, had, *rest], gift=gift, else_inbox=True, hold_out_bp=0)
    work()
    assert told(engine) == ids([first, *rest[:2]])
    assert ended(campaign) == ("running", {"limited": 1, "used_up": 2})
    assert len(rows(engine, COUPONS)) == 3
    with engine.begin() as connection:
        connection.execute(text("UPDATE coupon_templates SET state = 'stopped'"))
    late = begun_anyway(shop, crowd(shop, 2), gift)
    work()
    assert ended(late)[1] == {"coupon_off": 2}


def begun_anyway(shop: Shop, people: list[Phone], gift: dict[str, Any]) -> str:
    """Agreed to while the coupon could be had."""
    with db.transaction() as session:
        session.execute(text("UPDATE coupon_templates SET state = 'live'"))
    campaign = begun(shop, people, gift=gift)
    with db.transaction() as session:
        session.execute(text("UPDATE coupon_templates SET state = 'stopped'"))
    return campaign


def test_those_held_out_are_refused_for_what_would_have_refused_them(shop: Shop, engine: Engine) -> None:
    people = crowd(shop, 4)
    campaign = begun(shop, people, gift=coupons(stock=0))
    held_out(campaign, people[2:])
    work()
    assert rows(engine, REFUSED) == [("held_out", "used_up", 2), ("told", "used_up", 2)]
    found = report(campaign_id=campaign, now=NOON)
    assert (found.told.members, found.control.members) == (0, 0)


def test_a_budget_ends_it_and_the_rest_are_not_told(shop: Shop, engine: Engine) -> None:
    people = crowd(shop, 5)
    made = drafted(audience(people), gift={"points": 100}, budget_fen=350)
    cost = forecast(campaign_id=made.id, app_id=None, now=NOON).cost
    assert (cost.points_fen, cost.most_fen, cost.within_budget) == (500, 500, False)
    campaign = approved(shop, made)
    [(details,)] = rows(engine, "SELECT details FROM approval_requests")
    assert isinstance(details, dict)
    assert (details["budget_fen"], details["most_fen"], details["gift"]) == (350, 350, {"points": 100})
    work()
    assert told(engine) == ids(people)[:3]
    fill_inboxes(clock=lambda: NOON)
    assert ended(campaign) == ("done", {"budget": 2})
    assert rows(engine, "SELECT spent FROM campaigns") == [(300_000,)]


def test_without_a_budget_the_second_person_sees_what_all_of_them_cost(shop: Shop, engine: Engine) -> None:
    policy(fen_per_1000_sms=4_500)
    own = {"template": "1", "values": []}
    sms = {"inbox": INBOX, "sms": {"zh": own, "en": own}}
    made = drafted(audience(crowd(shop, 3)), channel="sms", content=sms, else_inbox=True, gift=coupons(2))
    approved(shop, made)
    [(details,)] = rows(engine, "SELECT details FROM approval_requests")
    assert isinstance(details, dict)
    assert (details["coupon"], details["most_fen"]) == ("十元券", 3 * 2_000 + 14)


def test_where_the_channel_costs_too_much_the_inbox_is_for_nothing(shop: Shop, engine: Engine) -> None:
    policy(fen_per_1000_wechat=2_000)
    template()
    people = [by_wechat(one, 1) for one in crowd(shop, 3)]
    begun(shop, people, channel="wechat_subscribe", else_inbox=True, budget_fen=5)
    work()
    channels = "SELECT channel, count(*) FROM messages WHERE kind = 'campaign' GROUP BY 1 ORDER BY 1"
    assert rows(engine, channels) == [("inbox", 1), ("wechat_subscribe", 2)]


# Races, and what is undone


@pytest.mark.parametrize("scarce", ["stock", pytest.param("budget", marks=pytest.mark.long)])
def test_many_workers_give_no_more_than_there_is(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch, scarce: str
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    gift = coupons(stock=7 if scarce == "stock" else None)
    campaign = begun(shop, crowd(shop, 12), gift=gift, budget_fen=7_500 if scarce == "budget" else None)
    begin(campaign, now=NOON)
    race(8, lambda _: work())
    while work():  # who was too late for the last of it begins anew
        pass
    assert len(told(engine)) == len(rows(engine, COUPONS)) == 7
    assert ended(campaign)[1] == {"used_up" if scarce == "stock" else "budget": 5}


def test_a_coupon_that_came_between_undoes_the_batch_whole(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(shop, 3)
    gift = {**coupons(terms={"per_member": 1}), "points": 5}
    campaign = begun(shop, people, gift=gift)
    begin(campaign, now=NOON)
    real = giving.give_each

    def meanwhile(*positional: Any, **named: Any) -> None:
        def claim() -> None:
            with db.transaction() as session:
                source = Source(kind="grant", id="meanwhile")
                asked = {"template_id": gift["coupon_template"], "member_id": people[1].member_id}
                issue(session, **asked, source=source, now=NOON)

        other = threading.Thread(target=claim)
        other.start()
        other.join(60)
        real(*positional, **named)

    with monkeypatch.context() as patch:
        patch.setattr(giving, "give_each", meanwhile)
        work()
    assert (told(engine), rows(engine, COUPONS), rows(engine, POINTS)) == ([], [], [])
    work()
    assert told(engine) == ids([people[0], people[2]])
    assert ended(campaign)[1] == {"limited": 1}


def test_a_batch_that_gives_takes_as_many_statements_for_many_as_for_few(
    shop: Shop, engine: Engine, database: Any
) -> None:
    taken = []
    for number in (2, 9):
        gift = {**coupons(2, stock=100), "points": 5}
        campaign = begun(shop, crowd(shop, number), gift=gift, budget_fen=1_000_000)
        begin(campaign, now=NOON)
        with counted(database.engine) as statements:
            assert planning._batch(campaign, APP_ID, NOON) == number
        taken.append(len(statements))
    assert taken[0] == taken[1] <= 22


# What was agreed to


def grown(shop: Shop, campaign: str, count: int) -> list[Phone]:
    """So many are put into the list it is told to, after the review."""
    more = crowd(shop, count)
    with db.transaction() as session:
        segment_id = one(session, campaign).audience_id
    numbers = [member_no(each) for each in more]
    static_list.put_in(segment_id=segment_id, numbers=numbers, actor=OPERATOR, now=NOON)
    return more


PERCENT = {"effect": {"kind": "percent", "percent_bp": 2_000}}


@pytest.mark.parametrize("worth", ["known", "unknown"])
def test_a_list_that_grows_after_the_review_brings_nobody_more_a_gift(
    shop: Shop, engine: Engine, worth: str
) -> None:
    people = crowd(shop, 3)
    gift = {**coupons(**({} if worth == "known" else PERCENT)), "points": 5}
    campaign = begun(shop, people, gift=gift)
    [(details,)] = rows(engine, "SELECT details FROM approval_requests")
    assert isinstance(details, dict)
    assert (details["most_members"], details["coupon_worth_known"]) == (3, worth == "known")
    grown(shop, campaign, 4)
    work()
    assert told(engine) == ids(people)
    assert len(rows(engine, COUPONS)) == len(rows(engine, POINTS)) == 3
    assert ended(campaign)[1] == {"not_agreed": 4}


def test_those_held_out_beyond_what_was_agreed_to_are_not_compared_with(shop: Shop, engine: Engine) -> None:
    campaign = begun(shop, crowd(shop, 20), gift={"points": 5}, hold_out_bp=5_000)
    grown(shop, campaign, 40)
    begin(campaign, now=NOON)
    by_arm = "SELECT arm, refused IS NULL, count(*) FROM campaign_members GROUP BY 1, 2"
    arms = {(arm, kept): number for arm, kept, number in rows(engine, by_arm)}
    [(most,)] = rows(engine, "SELECT CAST(details ->> 'most_members' AS int) FROM approval_requests")
    assert arms["told", True] == most
    assert arms["held_out", False] > 0
    last = "SELECT max(member_id) FROM campaign_members WHERE arm = 'told' AND refused IS NULL"
    assert rows(
        engine, f"SELECT count(*) FROM campaign_members WHERE refused IS NOT NULL AND member_id < ({last})"
    ) == [(0,)]


def test_a_coupon_that_is_worth_more_than_was_agreed_to_is_given_to_fewer(shop: Shop, engine: Engine) -> None:
    gift = coupons()
    people = crowd(shop, 4)
    campaign = begun(shop, people, gift=gift)
    with db.transaction() as session:
        former = load(session, gift["coupon_template"], now=NOON)
        face = face_of(TEN_OFF | {"effect": {"kind": "amount", "off_fen": 2_000}})
        write(session, former, Draft(face=face, terms=former.terms), state="live", now=NOON)
    work()
    assert told(engine) == ids(people[:2])
    assert ended(campaign) == ("running", {"not_agreed": 2})


def test_many_workers_give_no_more_than_was_agreed_to(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    gift = coupons()
    campaign = begun(shop, crowd(shop, 6), gift=gift)
    grown(shop, campaign, 10)
    with db.transaction() as session:
        former = load(session, gift["coupon_template"], now=NOON)
        face = face_of(TEN_OFF | {"effect": {"kind": "amount", "off_fen": 2_000}})
        write(session, former, Draft(face=face, terms=former.terms), state="live", now=NOON)
    begin(campaign, now=NOON)
    race(8, lambda _: work())
    while work():
        pass
    assert len(told(engine)) == len(rows(engine, COUPONS)) == 3
    assert ended(campaign)[1] == {"not_agreed": 13}


def test_a_gift_without_a_bound_is_not_put_before_anybody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(**_: Any) -> None:
        raise SegmentTooSlow(most_s=10)

    monkeypatch.setattr("app.campaigns.forecast.forecast", slow)
    people = crowd(shop, 2)
    with pytest.raises(SegmentTooSlow):
        begun(shop, people, gift={"points": 5})
    begun(shop, people, gift={"points": 5}, budget_fen=100)


# What messages cost without a gift


def paid(shop: Shop, count: int) -> list[Phone]:
    """Who can be told by WeChat, of which a message is two fen."""
    policy(fen_per_1000_wechat=2_000)
    template()
    return [by_wechat(one, 1) for one in crowd(shop, count)]


@pytest.mark.parametrize("else_inbox", [False, True])
def test_messages_to_a_list_that_grows_after_the_review_cost_no_more_than_was_agreed_to(
    shop: Shop, engine: Engine, else_inbox: bool
) -> None:
    people = paid(shop, 3)
    campaign = begun(shop, people, channel="wechat_subscribe", else_inbox=else_inbox)
    for phone in grown(shop, campaign, 2):
        by_wechat(phone, 1)
    work()
    channels = "SELECT channel, count(*) FROM messages WHERE kind = 'campaign' GROUP BY 1 ORDER BY 1"
    by_channel = [("wechat_subscribe", 3)]
    assert rows(engine, channels) == ([("inbox", 2)] if else_inbox else []) + by_channel
    assert report(campaign_id=campaign, now=NOON).refused == ({} if else_inbox else {"not_agreed": 2})
    assert rows(engine, "SELECT spent FROM campaigns") == [(6_000,)]


def test_messages_that_became_dearer_go_to_fewer(shop: Shop, engine: Engine) -> None:
    people = paid(shop, 4)
    campaign = begun(shop, people, channel="wechat_subscribe")
    policy(fen_per_1000_wechat=4_000)
    work()
    assert told(engine) == ids(people[:2])
    assert report(campaign_id=campaign, now=NOON).refused == {"not_agreed": 2}


def test_what_costs_nothing_is_told_to_all_who_are_meant_when_it_begins(shop: Shop, engine: Engine) -> None:
    people = crowd(shop, 2)
    campaign = begun(shop, people)
    more = grown(shop, campaign, 3)
    work()
    assert told(engine) == ids(people + more)


def test_messages_without_a_bound_are_not_put_before_anybody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(**_: Any) -> None:
        raise SegmentTooSlow(most_s=10)

    monkeypatch.setattr("app.campaigns.forecast.forecast", slow)
    people = paid(shop, 2)
    with pytest.raises(SegmentTooSlow):
        begun(shop, people, channel="wechat_subscribe")
    begun(shop, people, channel="wechat_subscribe", budget_fen=100)
    begun(shop, people)


# Drafts


UNFIT: list[tuple[str, dict[str, Any]]] = [
    ("gift.points", {"gift": {"points": -1}}),
    ("gift", {"gift": {"stars": 1}}),
    ("gift.coupons", {"gift": {"coupons": 1}}),
    ("gift.lifetime_days", {"gift": {"lifetime_days": 3}}),
    ("gift.coupon_template", {"gift": {"coupons": 1, "coupon_template": "none"}}),
    ("content.inbox.zh.title", {"content": NAMING}),
    ("content.inbox.zh.title", {"content": NAMING, "gift": {"points": 5}}),
]


def test_what_does_not_fit_together_is_refused(shop: Shop) -> None:
    for field, what in UNFIT:
        with pytest.raises(CampaignMalformed) as error:
            drafted(audience([]), **what)
        assert error.value.data["field"] == field, what


def test_a_coupon_of_unknown_worth_fits_no_budget(shop: Shop) -> None:
    gift = coupons(effect={"kind": "percent", "percent_bp": 2_000})
    # What a use is said to be worth is no bound of what it takes off.
    for unknown in (gift, coupons(effect={"kind": "percent", "percent_bp": 2_000}, use_value_fen=1)):
        with pytest.raises(CampaignMalformed) as error:
            drafted(audience([]), gift=unknown, budget_fen=100)
        assert error.value.data["field"] == "budget_fen"
    made = drafted(audience(crowd(shop, 2)), gift=gift)
    cost = forecast(campaign_id=made.id, app_id=None, now=NOON).cost
    assert (cost.coupons, cost.coupons_fen, cost.coupon_worth_known) == (2, 0, False)
    capped = coupons(effect={"kind": "percent", "percent_bp": 2_000, "most_fen": 700})
    made = drafted(audience(crowd(shop, 2)), gift=capped, budget_fen=5_000)
    assert forecast(campaign_id=made.id, app_id=None, now=NOON).cost.coupons_fen == 1_400


def test_a_coupon_whose_worth_is_not_known_any_more_is_given_to_nobody(shop: Shop, engine: Engine) -> None:
    gift = coupons()
    campaign = begun(shop, crowd(shop, 4), gift=gift, budget_fen=3_000)
    with db.transaction() as session:
        former = load(session, gift["coupon_template"], now=NOON)
        face = face_of(TEN_OFF | {"effect": {"kind": "percent", "percent_bp": 9_000}})
        write(session, former, Draft(face=face, terms=former.terms), state="live", now=NOON)
    assert not forecast(campaign_id=campaign, app_id=None, now=NOON).cost.within_budget
    work()
    assert rows(engine, COUPONS) == []
    assert ended(campaign) == ("done", {"budget": 4})
