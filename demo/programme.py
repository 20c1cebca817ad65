"""What is on in the demo's first shop in the days to come."""

from datetime import datetime, timedelta

from app.audit import OPERATOR
from app.clock import HOME_ZONE, business_date, start_of_day
from app.engagement.events import change, states
from app.engagement.events.event import Content, Terms
from app.stores import setup


def put_on(picture_id: str, *, today: datetime, now: datetime) -> None:
    """A tasting for points in three days, and once more in ten, free and with two seats only."""
    store_id = setup.store_ids({"S001"})["S001"]
    content = Content(
        title_zh="咖啡品鉴会",
        title_en="Coffee tasting",
        about_zh="品尝四款产地咖啡，了解手冲要点，约两小时。",
        about_en="Four coffees from four places, and how to pour them over. About two hours.",
        picture_id=picture_id,
        notes_zh="请提前十分钟到店，出示会员码签到。",
        notes_en="Please come ten minutes early and show your member code at the door.",
    )
    event = change.create(store_id=store_id, content=content, actor=OPERATOR, now=now)
    for days, seats, points in ((3, 8, 60), (10, 2, 0)):
        terms = _terms(today, days=days, seats=seats, points=points)
        event = change.add_session(
            event_id=event.event_id, version=event.version, terms=terms, actor=OPERATOR, now=now
        )
    states.publish(event_id=event.event_id, version=event.version, actor=OPERATOR, now=now)


def _terms(today: datetime, *, days: int, seats: int, points: int) -> Terms:
    """At two in the afternoon, so many days from today."""
    day = business_date(today, HOME_ZONE) + timedelta(days=days)
    starts_at = start_of_day(day, HOME_ZONE) + timedelta(hours=14)
    return Terms(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        seats=seats,
        seats_each=min(seats, 2),
        points=points,
        template_id=None,
        cancel_hours=24,
        opens_at=None,
        closes_at=starts_at,
    )
