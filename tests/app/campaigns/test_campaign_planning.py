"""Who is told by a campaign: each once, whoever plans and whatever breaks off; and how it is halted."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from app.audit import OPERATOR
from app.campaigns import campaign as campaigns
from app.campaigns import halt
from app.campaigns import plan as planning
from app.campaigns.begin import begin
from app.campaigns.campaign import _TRY, CampaignInOtherState, show
from app.campaigns.forecast import forecast
from app.campaigns.hold_out import HELD_OUT
from app.campaigns.report import report
from app.messages.inbox import inbox
from app.messages.lease import lease
from app.messages.preferences import set_preferences
from app.messages.send import fill_inboxes
from app.segments import save, snapshot
from app.segments.asking import SegmentTooSlow
from app.segments.rule import parse
from tests.campaigns import APP_ID, INBOX, WECHAT, approved, audience, begun, by_wechat, drafted, work
from tests.conftest import rows
from tests.marketing import NOON, asked, plan, policy, template
from tests.racing import race
from tests.shop import Phone, Shop

MESSAGES = "SELECT member_id, state, reason FROM messages WHERE kind = 'campaign' ORDER BY member_id, id"
STATES = "SELECT arm, state, refused, count(*) FROM campaign_members GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
CREDITS = "SELECT member_id, credits FROM subscription_credits ORDER BY 1"


def crowd(shop: Shop, number: int) -> list[Phone]:
    return [shop.member() for _ in range(number)]


def told(engine: Engine) -> list[Any]:
    """Members by message that is not cancelled."""
    return [member for member, state, _ in rows(engine, MESSAGES) if state != "cancelled"]


def ids(people: list[Phone]) -> list[int]:
    return sorted(one.member_id for one in people)


def test_everybody_finds_it_in_the_inbox_in_the_language_they_read(shop: Shop, engine: Engine) -> None:
    zh, nameless = shop.member("王小明"), shop.member(language="en")
    campaign = begun(shop, [zh, nameless])
    work()
    fill_inboxes(clock=lambda: NOON)

    [one] = inbox(member_id=zh.member_id, language="zh", limit=5, before=None)
    assert (one.kind, one.title, one.body) == ("campaign", "周年庆", "王小明，本周全场八折。")
    [other] = inbox(member_id=nameless.member_id, language="en", limit=5, before=None)
    assert (other.title, other.body) == ("Our anniversary", "Member, 20% off everything this week.")
    assert show(campaign_id=campaign).state == "running"
    assert halt.finish(now=NOON) == 1
    assert show(campaign_id=campaign).state == "done"


def test_what_is_sent_by_wechat_has_the_members_own_words(shop: Shop, engine: Engine) -> None:
    template()
    member = by_wechat(shop.member("王小明"), 1)
    campaign = begun(shop, [member], channel="wechat_subscribe")
    work()
    [(params,)] = rows(engine, "SELECT params FROM messages WHERE kind = 'campaign'")
    assert isinstance(params, dict)
    sent = params["wechat"]
    page = f"pages/coupon_centre/index?campaign={campaign}"
    assert (sent["template_id"], sent["page"]) == ("sale-of-the-week", page)
    assert sent["data"]["thing1"]["value"].endswith("：本周八折")
    assert params["body_zh"] == "王小明，本周全场八折。"
    assert rows(engine, CREDITS) == [(member.member_id, 0)]


def test_each_has_their_own_words_also_those_that_look_like_places(shop: Shop, engine: Engine) -> None:
    template()
    people = [by_wechat(shop.member(name), 1) for name in ("{points} 5%s", "王小明")]
    wechat = {**WECHAT, "zh": {"thing1": "{name} 8%"}}
    begun(shop, people, channel="wechat_subscribe", content={"inbox": INBOX, "wechat": wechat})
    work()
    question = "SELECT params FROM messages WHERE kind = 'campaign' ORDER BY member_id"
    found: list[Any] = [params for (params,) in rows(engine, question)]
    assert [one["body_zh"] for one in found] == ["{points} 5%s，本周全场八折。", "王小明，本周全场八折。"]
    said = [one["wechat"]["data"]["thing1"]["value"] for one in found]
    assert said == ["{points} 5%s 8%", "王小明 8%"]


def mixed(shop: Shop) -> list[Phone]:
    """Two who can be reached by WeChat, and one for each reason why not."""
    policy(most_a_day=1, most_a_week=5)
    template()
    reached = [by_wechat(shop.member(), 2) for _ in range(2)]
    poor, strange, refusing, capped = by_wechat(shop.member()), shop.member(), shop.member(), shop.member()
    by_wechat(refusing, 1)
    set_preferences(member_id=refusing.member_id, refused=frozenset({"wechat_subscribe"}), now=NOON)
    by_wechat(capped, 1)
    plan([capped.member_id], asked("inbox"), "another")
    return [*reached, poor, strange, refusing, capped]


@pytest.mark.parametrize("else_inbox", [False, True])
def test_what_was_forecast_is_what_is_planned(shop: Shop, engine: Engine, else_inbox: bool) -> None:
    made = drafted(audience(mixed(shop)), channel="wechat_subscribe", else_inbox=else_inbox)
    before = forecast(campaign_id=made.id, app_id=APP_ID, now=NOON)
    first = before.channels[0]
    assert (before.members, before.held_out, first.asked, first.reached) == (6, 0, 6, 2)
    assert first.refused == {"capped": 1, "no_address": 1, "no_credit": 1, "opted_out": 1}

    approved(shop, made)
    work()

    after = report(campaign_id=made.id, now=NOON)
    assert (after.targeted, after.planned) == (before.members, before.reached)
    assert after.planned == (5 if else_inbox else 2)
    assert after.refused == before.channels[-1].refused
    assert before.channels[-1].refused == ({"capped": 1} if else_inbox else first.refused)
    channels = "SELECT channel, count(*) FROM messages WHERE kind = 'campaign' GROUP BY 1 ORDER BY 1"
    wanted = [("inbox", 3)] if else_inbox else []
    assert rows(engine, channels) == [*wanted, ("wechat_subscribe", 2)]
    by_channel = {channel: states.pending for channel, states in after.by_channel.items()}
    assert by_channel == {"wechat_subscribe": 2, **dict(wanted)}


def test_who_is_in_an_excluded_segment_is_left_out_of_both(shop: Shop, engine: Engine) -> None:
    one, two, three = crowd(shop, 3)
    made = drafted(audience([one, two]), excluded_ids=(audience([two, three]), audience([])))
    assert forecast(campaign_id=made.id, app_id=None, now=NOON).members == 1
    approved(shop, made)
    work()
    assert told(engine) == [one.member_id]


def test_a_rule_means_members_as_they_are_when_it_begins(shop: Shop, engine: Engine) -> None:
    rule = parse({"field": "points", "op": "at_least", "value": 0})
    segment = save.create(kind="rule", name="全部", rule=rule, actor=OPERATOR, now=NOON)
    few = crowd(shop, 2)
    made = drafted(segment.id, excluded_ids=(audience(few[:1]),), starts_at=NOON + timedelta(hours=1))
    assert forecast(campaign_id=made.id, app_id=None, now=NOON).reached == 1
    approved(shop, made)
    late = shop.member()
    assert work() == 0
    assert work(NOON + timedelta(hours=1)) == 2
    assert told(engine) == sorted([few[1].member_id, late.member_id])


def test_one_whose_segment_took_too_long_can_be_put_forward_again(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(shop, 2)
    campaign = begun(shop, people)

    def slow(*_: Any, **__: Any) -> None:
        raise SegmentTooSlow(most_s=1)

    with monkeypatch.context() as patch:
        patch.setattr("app.campaigns.begin.snapshot.take", slow)
        work()
    stopped = show(campaign_id=campaign)
    assert (stopped.state, stopped.ended_for) == ("stopped", "segment_too_slow")
    again = approved(shop, stopped)
    assert (show(campaign_id=again).state, show(campaign_id=again).ended_for) == ("scheduled", None)
    work()
    assert told(engine) == ids(people)
    halt.stop(campaign_id=campaign, actor=OPERATOR, now=NOON)
    with pytest.raises(CampaignInOtherState):
        approved(shop, show(campaign_id=campaign))


# Races, and what breaks off


def test_sixteen_workers_tell_each_member_once(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(most_a_day=None, most_a_week=None)
    template()
    monkeypatch.setattr(planning, "BATCH", 3)
    people = [by_wechat(one, 2) for one in crowd(shop, 20)]
    campaign = begun(shop, people, channel="wechat_subscribe", hold_out_bp=2_000)
    race(16, lambda _: work())
    work()  # whom everybody left to somebody else
    found = report(campaign_id=campaign, now=NOON)
    assert (found.targeted, found.waiting) == (20, 0)
    assert found.planned == 20 - found.held_out
    assert len(told(engine)) == len(set(told(engine))) == found.planned
    assert rows(engine, "SELECT count(*) FROM subscription_credits WHERE credits = 1") == [(found.planned,)]


@pytest.mark.long
def test_who_is_not_taken_first_is_told_twice(
    shop: Shop, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both have found the same members before either has planned."""
    policy(most_a_day=None, most_a_week=None)
    people = crowd(shop, 3)
    campaign = begun(shop, people)
    begin(campaign, now=NOON)
    monkeypatch.setattr(planning, "_TAKE", text(planning._TAKE.text.replace("FOR UPDATE SKIP LOCKED", "")))
    all_found, real = threading.Barrier(2), planning.tell_each

    def unguarded(session: Any, telling: Any, member_ids: Any, **more: Any) -> Any:
        all_found.wait(60)
        own = f"{more.pop('subject')}:{threading.get_ident() % 100_000}"
        return real(session, telling, member_ids, subject=own, **{**more, "wait": True})

    monkeypatch.setattr(planning, "tell_each", unguarded)
    race(2, lambda _: planning._batch(campaign, APP_ID, NOON))
    assert len(told(unaudited_engine)) == 6


def test_what_a_killed_worker_left_is_planned_by_the_next(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    people = crowd(shop, 7)
    campaign = begun(shop, people)
    begin(campaign, now=NOON)
    asked_already = iter([True, True])

    def killed() -> bool:
        if next(asked_already, None) is None:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        planning.plan(campaign, app_id=None, now=NOON, keep_going=killed)
    assert len(told(engine)) == 4
    work()
    assert told(engine) == ids(people)


def test_a_batch_that_breaks_off_leaves_no_message_and_no_credit_behind(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    template()
    people = [by_wechat(one, 1) for one in crowd(shop, 3)]
    campaign = begun(shop, people, channel="wechat_subscribe")
    begin(campaign, now=NOON)

    def broken(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(planning._Batch, "hold_out", broken)
        with pytest.raises(KeyboardInterrupt):
            planning.plan(campaign, app_id=APP_ID, now=NOON)
    assert told(engine) == []
    assert rows(engine, CREDITS) == [(one, 1) for one in ids(people)]
    work()
    assert told(engine) == ids(people)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_batch_takes_as_many_statements_for_many_members_as_for_few(
    shop: Shop, engine: Engine, database: Any
) -> None:
    policy(most_a_day=None, most_a_week=None)
    template()
    taken = []
    for number in (2, 24):
        people = [by_wechat(one, 1) for one in crowd(shop, number)]
        people += crowd(shop, number)  # not to be reached there
        campaign = begun(shop, people, channel="wechat_subscribe", else_inbox=True)
        begin(campaign, now=NOON)
        with counted(database.engine) as statements:
            assert planning._batch(campaign, APP_ID, NOON) == 2 * number
        taken.append(len(statements))
    assert taken[0] == taken[1] <= 16


# Hold-out and drip


def test_the_hold_out_is_as_large_as_was_said_and_always_the_same(engine: Engine) -> None:
    question = f"""SELECT sum(n) FILTER (WHERE held), bit_xor(n) FILTER (WHERE held), count(*) FILTER (WHERE held)
        FROM (SELECT n, {HELD_OUT.format(member="n")} AS held FROM generate_series(1, 20000) n) x"""
    drawn = [
        rows(engine, question, campaign_id=campaign, hold_out_bp=bp)[0]
        for campaign, bp in (("one", 1_000), ("one", 1_000), ("two", 1_000), ("one", 0), ("one", 5_000))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    counts = [int(str(found[2])) for found in drawn]
    assert counts[3] == 0
    for count, bp in zip(counts, (1_000, 1_000, 1_000, 0, 5_000), strict=True):
        assert abs(count - 20_000 * bp // 10_000) < 300, "four deviations"


def test_who_is_held_out_is_not_told_and_was_forecast(shop: Shop, engine: Engine) -> None:
    people = crowd(shop, 20)
    set_preferences(member_id=people[0].member_id, refused=frozenset({"all"}), now=NOON)
    made = drafted(audience(people), hold_out_bp=5_000)
    before = forecast(campaign_id=made.id, app_id=None, now=NOON)
    approved(shop, made)
    work()
    after = report(campaign_id=made.id, now=NOON)
    assert (after.held_out, after.planned) == (before.held_out, before.reached)
    arms = "SELECT count(*) FROM campaign_members WHERE arm = 'held_out' AND message_id IS NOT NULL"
    assert rows(engine, arms) == [(0,)]
    assert len(told(engine)) == before.reached
    # Both arms are those who could be told: one of the twenty could not.
    assert after.told.members + after.control.members == 19


def test_a_drip_tells_them_over_its_hours(shop: Shop, engine: Engine) -> None:
    campaign = begun(shop, crowd(shop, 12), drip_hours=10)
    begin(campaign, now=NOON)
    times = [at for (at,) in rows(engine, "SELECT due_after FROM campaign_members")]
    assert all(NOON <= at < NOON + timedelta(hours=10) for at in times)  # type: ignore[operator]
    assert len(set(times)) > 6
    work(NOON + timedelta(hours=5))
    half = sum(at <= NOON + timedelta(hours=5) for at in times)  # type: ignore[operator]
    assert len(told(engine)) == half
    work(NOON + timedelta(hours=10))
    assert len(told(engine)) == 12
    assert halt.finish(now=NOON) == 0, "they are not sent yet"


# Halting


def wechat_campaign(shop: Shop, number: int = 4) -> tuple[str, list[Phone]]:
    template()
    people = [by_wechat(one, 1) for one in crowd(shop, number)]
    campaign = begun(shop, people, channel="wechat_subscribe")
    work()
    return campaign, people


def test_a_pause_calls_back_what_waits_and_resuming_tells_each_once(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, people = wechat_campaign(shop)
    monkeypatch.setattr(halt, "BATCH", 3)
    taken = lease(channel="wechat_subscribe", app_id=APP_ID, now=NOON, limit=1)  # on its way: stays

    halt.pause(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()

    assert len(told(engine)) == len(taken.messages) == 1
    assert rows(engine, "SELECT DISTINCT reason FROM messages WHERE state = 'cancelled'") == [
        ("campaign_paused",)
    ]
    assert sum(int(str(left)) for _, left in rows(engine, CREDITS)) == 3
    assert work() == 0, "nobody is planned for while it is paused"
    halt.resume(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()
    assert told(engine) == ids(people)
    assert {left for _, left in rows(engine, CREDITS)} == {0}


def test_a_stop_cancels_what_waits_gives_credits_back_and_is_for_good(shop: Shop, engine: Engine) -> None:
    campaign, people = wechat_campaign(shop)
    halt.stop(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()
    assert told(engine) == []
    assert rows(engine, CREDITS) == [(one, 1) for one in ids(people)]
    found = report(campaign_id=campaign, now=NOON)
    assert (found.state, found.planned, found.messages.cancelled) == ("stopped", 4, 4)
    assert rows(engine, "SELECT to_call_back FROM campaigns") == [(False,)]
    for again in (halt.resume, halt.stop, halt.pause):
        with pytest.raises(CampaignInOtherState):
            again(campaign_id=campaign, actor=OPERATOR, now=NOON)
    work()
    assert told(engine) == []


def test_a_stop_while_it_is_planned_leaves_nothing_waiting(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    campaign = begun(shop, crowd(shop, 16))
    begin(campaign, now=NOON)

    def act(number: int) -> None:
        if number == 7:
            halt.stop(campaign_id=campaign, actor=OPERATOR, now=NOON)
        else:
            work()

    race(16, act)
    work()
    assert told(engine) == []


def test_nobody_halts_it_in_the_midst_of_a_batch(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens without it: test_campaign_controls.py."""
    campaign = begun(shop, crowd(shop, 2))
    begin(campaign, now=NOON)
    free: list[bool] = []
    real = planning.tell_each

    def somebody_tries(*positional: Any, **named: Any) -> Any:
        with engine.begin() as other:
            free.append(other.execute(_TRY, {"id": campaign}).scalar_one())
        return real(*positional, **named)

    monkeypatch.setattr(planning, "tell_each", somebody_tries)
    work()
    assert free == [False]
    with engine.begin() as other:
        assert other.execute(_TRY, {"id": campaign}).scalar_one()


def test_who_refuses_between_planning_and_sending_is_not_told(shop: Shop, engine: Engine) -> None:
    campaign, people = wechat_campaign(shop, 2)
    set_preferences(member_id=people[0].member_id, refused=frozenset({"wechat_subscribe"}), now=NOON)
    assert told(engine) == [people[1].member_id]
    assert report(campaign_id=campaign, now=NOON).messages.cancelled == 1
    assert INBOX["zh"]["title"] not in str(rows(engine, "SELECT params FROM inbox_items"))


# Taken back while it begins


def test_either_it_begins_or_it_is_taken_back(shop: Shop, engine: Engine) -> None:
    won = set()
    for _ in range(4):
        campaign = begun(shop, crowd(shop, 1))

        def act(number: int, campaign: str = campaign) -> str:
            if number % 2:
                return "began" if begin(campaign, now=NOON) else "too late"
            try:
                return halt.take_back(campaign_id=campaign, version=1, actor=OPERATOR, now=NOON).state
            except CampaignInOtherState:
                return "too late"

        [winner] = [became for became in race(16, act) if became != "too late"]
        state = show(campaign_id=campaign).state
        assert (winner, state) in {("began", "running"), ("draft", "draft")}
        members = rows(engine, "SELECT count(*) FROM campaign_members WHERE campaign_id = :id", id=campaign)
        assert members == [(1 if state == "running" else 0,)]
        won.add(winner)
    assert won


@pytest.mark.parametrize("guarded", [True, pytest.param(False, marks=pytest.mark.long)])
def test_who_takes_it_back_waits_for_it_to_have_begun(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    campaign = begun(shop, crowd(shop, 2))
    if not guarded:
        monkeypatch.setattr(campaigns, "_LOCK", text("SELECT CAST(:id AS text)"))
    real, became = snapshot.take_agreed, list[str]()

    def back() -> None:
        try:
            became.append(halt.take_back(campaign_id=campaign, version=1, actor=OPERATOR, now=NOON).state)
        except CampaignInOtherState as error:
            became.append(error.data["state"])

    other = threading.Thread(target=back)

    def meanwhile(*positional: Any, **named: Any) -> Any:
        other.start()
        other.join(1 if guarded else 60)
        return real(*positional, **named)

    monkeypatch.setattr(snapshot, "take_agreed", meanwhile)
    if not guarded:
        with pytest.raises(IntegrityError, match="second_person"):
            begin(campaign, now=NOON)
        return
    begin(campaign, now=NOON)
    other.join(60)
    assert (became, show(campaign_id=campaign).state) == (["running"], "running")
