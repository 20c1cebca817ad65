"""The report of an event, on figures that were worked out by hand."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from app import clock
from app.clock import business_date, start_of_day
from app.engagement.bought import Bought
from app.engagement.events import event as events
from app.engagement.events.event import Event
from app.engagement.events.report import Cost, Report, report
from app.settlement.policy import SettlementPolicy
from app.staff.roles import Grant
from tests.app.engagement.test_gifts import refund
from tests.app.stored_value.offering import ticket
from tests.coupons import give, live_template
from tests.events import HOUR, attended, booked, event, given_up, terms
from tests.quoting import fill, set_policy
from tests.shop import Phone, Shop, TillClient

DAY = timedelta(days=1)
BAG = {"kind": "gift", "item_zh": "布袋", "item_en": "Bag"}


def sell(shop: Shop, phone: Phone, fen: int, till: TillClient | None = None) -> str:
    here = till or shop.till
    sold = here.sell(ticket(shop, phone, till=here), fen)
    assert sold.status_code == 201, sold.json
    return str(sold.json["id"])


def on(found: Event, starts_at: datetime, ends_at: datetime) -> Event:
    """As if its first session had been then."""
    first, *others = found.sessions
    times = replace(first.terms, starts_at=starts_at, ends_at=ends_at)
    return replace(found, sessions=(replace(first, terms=times), *others))


def told(found: Event, starts_at: datetime, ends_at: datetime, now: datetime) -> Report:
    return report(event=on(found, starts_at, ends_at), now=now)


def test_who_came_is_told_with_what_they_bought_and_what_seats_were_given_for(
    shop: Shop, engine: Engine
) -> None:
    """Ann and Bob come, Cid does not, Dee gives the seat up.

    Ann buys for ¥30, and for ¥10, all of which she brings back. Bob buys for ¥20, of which he brings ¥5 back, and for
    ¥40 in another store. What Cid and Dee buy is none of the event's.
    """
    set_policy(SettlementPolicy, fen_per_1000_points=2_500)
    shop.open_store("S002")
    elsewhere = shop.add_till("S002", "T1")
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    ann, bob, cid, dee = phones = [shop.member(name) for name in ("Ann", "Bob", "Cid", "Dee")]
    for phone in phones:
        fill(phone, points=500)
    made = event(shop, terms(seats=9))
    sitting = made.sessions[0].session_id
    booked(cid, sitting)
    assert given_up(dee, booked(dee, sitting)["id"]).status_code == 200
    began = clock.now()
    sell(shop, ann, 3_000)
    refund(shop, sell(shop, ann, 1_000))
    refund(shop, sell(shop, bob, 2_000), amount_fen=500)
    sell(shop, bob, 4_000, elsewhere)
    sell(shop, cid, 700)
    sell(shop, dee, 900)
    for phone in (ann, bob):
        attended(shop, phone, sitting, anna.staff_no)
    found = events.show(event_id=made.event_id, stores=None)
    during = told(found, began, clock.now(), clock.now() + HOUR)
    assert (during.members, during.came, during.cancelled, during.attended) == (3, 2, 1, 2)
    assert (during.points, during.points_back, during.coupons) == (300, 100, 0)
    assert during.cost == Cost(points_fen=750, coupons_used_fen=0)
    assert during.during == Bought(buyers=2, purchases=2, amount_fen=4_500)
    assert during.before == Bought()
    # Two days long and beginning tomorrow, it has the same purchases before it: in two days, whenever this runs.
    tomorrow = start_of_day(business_date(clock.now(), shop.store.time_zone) + DAY, shop.store.time_zone)
    after = told(found, tomorrow + HOUR, tomorrow + DAY + HOUR, tomorrow + 3 * DAY)
    assert (after.during, after.before) == (Bought(), during.during)
    # Until it has begun there is nothing to compare with.
    early = told(found, tomorrow + HOUR, tomorrow + DAY + HOUR, clock.now())
    assert (early.during, early.before) == (Bought(), Bought())


def test_coupons_count_with_what_they_are_worth_unless_they_went_back(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now(), effect=BAG, use_value_fen=1_200, without_sale=True)
    ann, bob = shop.member("Ann"), shop.member("Bob")
    made = event(shop, terms(points=0, template_id=template))
    for phone in (ann, bob):
        give(template, phone.member_id, clock.now())
    seats = [
        booked(phone, made.sessions[0].session_id, points=0, template_id=template) for phone in (ann, bob)
    ]
    assert given_up(bob, seats[1]["id"]).status_code == 200
    found = report(event=events.show(event_id=made.event_id, stores=None), now=clock.now())
    assert (found.members, found.came, found.coupons, found.points) == (1, 0, 1, 0)
    assert (found.cost, found.cost.total_fen) == (Cost(points_fen=0, coupons_used_fen=1_200), 1_200)


def test_what_has_no_session_left_has_no_time(shop: Shop, engine: Engine) -> None:
    found = report(event=event(shop), now=clock.now())
    assert (found.sessions, found.during, found.before) == (0, Bought(), Bought())
