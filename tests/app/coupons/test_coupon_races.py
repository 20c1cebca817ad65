"""Coupons under races: whatever comes together, a use counts once, and never after its coupon has gone."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

import scan_codes
from app import clock, db
from app.checkout.pricing import Wishes
from app.checkout.quote import quote
from app.checkout.redeem_coupon import Redemption, redeem_coupon
from app.errors import DomainError
from app.staff.roles import Grant
from tests import unguarded
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.checkout.till_side import request
from tests.conftest import rows
from tests.coupons import give, live_template, recall
from tests.racing import race
from tests.shop import Phone, Shop

Patch = pytest.MonkeyPatch
RUNNERS = 16
BILL = [line(3_000, 1, "TEA")]
MUG = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug"}


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_of(shop, shop.person("anna", Grant("clerk", shop.store.id)).staff_no)


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member()


def outcome_of(run: Callable[[], Any]) -> str:
    """`done`, or the code of the refusal with what it is about."""
    try:
        run()
    except DomainError as refusal:
        return " ".join(
            str(part) for part in (refusal.code, refusal.data.get("what"), refusal.data.get("reason")) if part
        )
    return "done"


def two_tills(desk: Desk, phone: Phone) -> Counter[str]:
    """Sixteen quotes that count on one coupon, taken at once."""
    now = clock.now()
    give(live_template(now), phone.member_id, now)
    quotes = [desk.quote(phone.member_id, BILL, now) for _ in range(RUNNERS)]
    assert {quoted.priced.discount_fen for quoted in quotes} == {1_000}
    return Counter(race(RUNNERS, lambda n: outcome_of(lambda: desk.sell(quotes[n], now))))


def at_the_end(desk: Desk, phone: Phone) -> Counter[str]:
    """Half of the tills take theirs in the last moment, half in the one after."""
    now = clock.now()
    [coupon] = give(live_template(now, uses=RUNNERS), phone.member_id, now)
    until = now + timedelta(minutes=2)
    with db.transaction() as session:
        session.execute(
            text("UPDATE coupons SET valid_until = :until WHERE id = :id"), {"until": until, "id": coupon}
        )
    quotes = [desk.quote(phone.member_id, BILL, now) for _ in range(RUNNERS)]
    last = until - timedelta(microseconds=1)
    return Counter(
        race(RUNNERS, lambda n: outcome_of(lambda: desk.sell(quotes[n], last if n % 2 else until)))
    )


def against_recall(desk: Desk, phone: Phone) -> list[tuple[str, bool]]:
    """For each of eight coupons, what became of its sale, and whether it was recalled."""
    now = clock.now()
    coupons = [give(live_template(now), phone.member_id, now)[0] for _ in range(RUNNERS // 2)]
    quotes = []
    for coupon in coupons:
        wishes = Wishes(benefits=frozenset({f"coupon:{coupon}"}), best=False)
        ticket = desk.ticket(phone.member_id, now)
        quotes.append(quote(till=desk.till, ticket=ticket, lines=BILL, wishes=wishes, now=now))

    def run(n: int) -> str:
        if n % 2:
            return outcome_of(lambda: desk.sell(quotes[n // 2], now))
        return "recalled" if recall(coupons[n // 2]) else "too late"

    answers = race(RUNNERS, run)
    return [(answers[n + 1], answers[n] == "recalled") for n in range(0, RUNNERS, 2)]


def one_key(desk: Desk, phone: Phone, keys: int) -> list[str]:
    """Sixteen redemptions of a coupon of many uses, with so many keys; the ids of their answers."""
    now = clock.now()
    template = live_template(now, effect=MUG, without_sale=True, uses=RUNNERS)
    [coupon] = give(template, phone.member_id, now)
    ticket = desk.ticket(phone.member_id, now)
    requests = [request() for _ in range(keys)]

    def run(n: int) -> Redemption:
        return redeem_coupon(
            till=desk.till, ticket=ticket, coupon_id=coupon, request=requests[n % keys], now=now
        )

    return [one.redemption_id for one in race(RUNNERS, run)]


def sale_and_alone(desk: Desk, phone: Phone) -> Counter[str]:
    """One coupon, eight sales, eight redemptions by themselves."""
    now = clock.now()
    template = live_template(now, effect={"kind": "free"}, without_sale=True)
    [coupon] = give(template, phone.member_id, now)
    ticket = desk.ticket(phone.member_id, now)
    quotes = [desk.quote(phone.member_id, BILL, now) for _ in range(RUNNERS // 2)]

    def run(n: int) -> str:
        if n % 2:
            return outcome_of(lambda: desk.sell(quotes[n // 2], now))
        return outcome_of(
            lambda: redeem_coupon(till=desk.till, ticket=ticket, coupon_id=coupon, request=request(), now=now)
        )

    return Counter(race(RUNNERS, run))


def one_code(shop: Shop, phone: Phone) -> Counter[int]:
    """Sixteen tills and one code of a coupon."""
    now = clock.now()
    give(live_template(now), phone.member_id, now)
    tills = [shop.add_till("S001", f"C{n}") for n in range(RUNNERS)]
    [(number,)] = rows(db.engine(), "SELECT coupon_no FROM coupons")
    code = scan_codes.issue(
        shop.parts.issuer.coupons.ring,
        number,  # type: ignore[arg-type]
        scan_codes.step_of(now),
        prefix="91",
    )
    return Counter(race(RUNNERS, lambda n: tills[n].scan(code).status_code))


def uses(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT (SELECT sum(used) FROM coupons), (SELECT count(*) FROM coupon_redemptions)")


def test_two_tills_cannot_use_one_coupon(desk: Desk, phone: Phone, engine: Engine) -> None:
    assert two_tills(desk, phone) == {"done": 1, "quote_outdated coupon used": RUNNERS - 1}
    assert uses(engine) == [(1, 1)]


def test_at_its_end_a_coupon_is_good_up_to_the_moment(desk: Desk, phone: Phone, engine: Engine) -> None:
    assert at_the_end(desk, phone) == {
        "done": RUNNERS // 2,
        "quote_outdated coupon ended": RUNNERS // 2,
    }
    assert uses(engine) == [(RUNNERS // 2, RUNNERS // 2)]


def test_a_coupon_is_used_or_recalled(desk: Desk, phone: Phone, engine: Engine) -> None:
    found = against_recall(desk, phone)
    assert set(found) <= {("done", False), ("quote_outdated coupon recalled", True)}
    recalled = sum(gone for _, gone in found)
    assert rows(engine, "SELECT count(*) FILTER (WHERE state = 'void'), sum(used) FROM coupons") == [
        (recalled, RUNNERS // 2 - recalled)
    ]


def test_one_key_redeems_once(desk: Desk, phone: Phone, engine: Engine) -> None:
    assert len(set(one_key(desk, phone, keys=1))) == 1
    assert uses(engine) == [(1, 1)]


def test_without_one_key_each_request_is_a_use(desk: Desk, phone: Phone, engine: Engine) -> None:
    """The control of the test above: it was the key."""
    assert len(set(one_key(desk, phone, keys=RUNNERS))) == RUNNERS
    assert uses(engine) == [(RUNNERS, RUNNERS)]


def test_a_coupon_serves_a_sale_or_is_redeemed_by_itself(desk: Desk, phone: Phone, engine: Engine) -> None:
    found = sale_and_alone(desk, phone)
    assert found.pop("done") == 1
    assert set(found) <= {"quote_outdated coupon used", "coupon_not_redeemable used"}
    assert uses(engine) == [(1, 1)]


def test_one_code_of_a_coupon_opens_one_ticket(shop: Shop, phone: Phone, engine: Engine) -> None:
    assert one_code(shop, phone) == {201: 1, 409: RUNNERS - 1}
    assert rows(engine, "SELECT count(*) FROM scan_tickets") == [(1,)]


@pytest.mark.long
class TestWithoutTheGuards:
    """The same races must go wrong, or the tests above prove nothing."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_two_tills(self, desk: Desk, phone: Phone, engine: Engine, monkeypatch: Patch) -> None:
        unguarded.coupon_uses(engine, monkeypatch)
        assert two_tills(desk, phone)["done"] > 1

    def test_the_end(self, desk: Desk, phone: Phone, engine: Engine, monkeypatch: Patch) -> None:
        unguarded.coupon_uses(engine, monkeypatch)
        assert at_the_end(desk, phone)["done"] == RUNNERS

    def test_a_recall(self, desk: Desk, phone: Phone, engine: Engine, monkeypatch: Patch) -> None:
        unguarded.recalls(engine, monkeypatch)
        assert ("done", True) in against_recall(desk, phone)

    def test_a_sale_and_by_itself(self, desk: Desk, phone: Phone, engine: Engine, monkeypatch: Patch) -> None:
        unguarded.coupon_uses(engine, monkeypatch)
        assert sale_and_alone(desk, phone)["done"] > 1

    def test_one_code(self, shop: Shop, phone: Phone, engine: Engine, monkeypatch: Patch) -> None:
        unguarded.coupon_codes(engine, monkeypatch)
        assert one_code(shop, phone)[201] > 1
