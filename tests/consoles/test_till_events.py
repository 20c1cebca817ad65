"""Events at the till page: what is booked today is shown with the member, who is let in with one tap."""

from sqlalchemy import Engine

from tests.conftest import rows
from tests.consoles.visitor import Visitor, hidden
from tests.events import booked, moved, session, soon
from tests.shop import Shop


def test_what_is_booked_today_is_shown_and_lets_in_once(clerk: Visitor, shop: Shop, engine: Engine) -> None:
    member, sitting = shop.member("张小明"), session(shop, points=0, seats_each=2)
    assert "今天的活动报名" not in clerk.scan(shop.code(member)).text
    booked(member, sitting, points=0, seats=2)
    moved(sitting, soon())
    shown = clerk.scan(shop.code(member, steps=1)).text
    assert "品鉴会 × 2" in shown
    [one] = member.get("/bookings").json["items"]
    assert one["when"] in shown
    form = {name: hidden(shown, name) for name in ("ticket", "booking_id", "check_in_key")}
    done = clerk.htmx("/till/events/check-in", form).text
    assert "已签到：品鉴会（2 人）" in done
    assert 'class="pick-up"' not in done
    assert "已签到" in clerk.htmx("/till/events/check-in", form).text  # its answer was lost
    assert rows(engine, "SELECT state FROM event_bookings") == [("attended",)]
