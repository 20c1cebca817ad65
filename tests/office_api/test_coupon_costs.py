"""Who bears what coupons cost: counted by hand, by template, bearer, store and day."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update

from app import clock, db
from app.coupons.costs import Cost, Period, costs
from app.coupons.models import CouponFace, CouponTemplate
from app.coupons.redeem import Place, redeem
from app.coupons.template_listing import numbers
from app.staff.roles import Grant
from app.stores.setup import StoreView
from tests.actors import staff_token
from tests.coupons import TEN_OFF, give, live_template
from tests.pos_api.test_coupons_in_sales import back
from tests.quoting import CUP, TEA, take
from tests.shop import Shop

BAG = {"kind": "gift", "item_zh": "布袋", "item_en": "Bag"}


class Office:
    def __init__(self, shop: Shop, *grants: Grant) -> None:
        self.client = shop.app.test_client()
        person = shop.person(f"m{'-'.join(str(one.store_id) for one in grants)}", *grants)
        self.headers = {"Authorization": f"Bearer {staff_token(person.id)}"}

    def __call__(self, query: str = "") -> Any:
        return self.client.get(f"/office/v1/coupon-costs{query}", headers=self.headers)

    def told(self, query: str = "") -> list[tuple[Any, ...]]:
        answer = self(query)
        assert answer.status_code == 200, answer.json
        return [
            (one["name_en"], one["bearer"], one["store"], one["uses"], one["discount_fen"], one["cost_fen"])
            for one in answer.json["items"]
        ]


@pytest.fixture
def ada(shop: Shop) -> Office:
    return Office(shop, Grant("admin", None))


def sold(shop: Shop, template_id: str, *, till: Any = None) -> dict[str, Any]:
    """A sale for ¥39.99 with one coupon of the template, at that till."""
    here, phone = till or shop.till, shop.member()
    give(template_id, phone.member_id, clock.now())
    body = {"ticket": here.ticket(shop.code(phone)), "lines": [TEA, CUP]}
    quote = here.post("/quotes", body)
    assert quote.status_code == 201, quote.json
    made = take(here, quote.json)
    assert made.status_code == 201, made.json
    return dict(made.json)


def used(shop: Shop, template_id: str, *, at: datetime | None = None, store: StoreView | None = None) -> str:
    """By itself, in that store at that time; the id of the use."""
    now, where = at or clock.now(), store or shop.store
    phone = shop.member()
    [coupon] = give(template_id, phone.member_id, now)
    with db.reading() as connection:
        terminal = connection.execute(
            text("SELECT min(id) FROM terminals WHERE store_id = :id"), {"id": where.id}
        ).scalar_one()
    day = clock.business_date(now, where.time_zone)
    place = Place(store_id=where.id, terminal_id=terminal, staff_id=None, business_date=day, now=now)
    with db.transaction() as session:
        return redeem(session, coupon_id=coupon, member_id=phone.member_id, place=place)


def bag(bearer: str, **face: Any) -> str:
    return live_template(
        clock.now(),
        name_en="Bag",
        effect=BAG,
        use_value_fen=1_200,
        without_sale=True,
        cost_bearer=bearer,
        **face,
    )


def test_what_coupons_cost_stands_by_template_bearer_and_store(
    shop: Shop, engine: Engine, ada: Office
) -> None:
    """¥10 off three times, of which one came back with its sale and one is in S002; two bags for ¥12; a store's own."""
    other = shop.open_store("S002")
    elsewhere = shop.add_till("S002", "T1")
    ten, own = live_template(clock.now()), live_template(clock.now(), name_en="Own", cost_bearer="store")
    gifts = bag("supplier")
    sold(shop, ten)
    assert back(shop, sold(shop, ten)).status_code == 201
    sold(shop, ten, till=elsewhere)
    used(shop, gifts)
    used(shop, gifts, store=other)
    sold(shop, own)
    assert ada.told() == [
        ("¥10 off", "brand", "S001", 1, 1_000, 1_000),
        ("¥10 off", "brand", "S002", 1, 1_000, 1_000),
        ("Own", "store", "S001", 1, 1_000, 1_000),
        ("Bag", "supplier", "S001", 1, 0, 1_200),
        ("Bag", "supplier", "S002", 1, 0, 1_200),
    ]
    counted = numbers(template_id=ten, now=clock.now())
    assert (counted.redemptions, counted.discount_fen) == (2, 2_000)


def test_what_goes_back_in_part_or_is_forfeited_stays_used(shop: Shop, engine: Engine, ada: Office) -> None:
    """As in the numbers of the template."""
    part, lost = live_template(clock.now()), live_template(clock.now(), name_en="Lost", forfeited=True)
    assert back(shop, sold(shop, part), lines=[{"line_no": 1, "quantity": 1}]).status_code == 201
    assert back(shop, sold(shop, lost)).status_code == 201
    assert ada.told() == [
        ("¥10 off", "brand", "S001", 1, 1_000, 1_000),
        ("Lost", "brand", "S001", 1, 1_000, 1_000),
    ]
    assert [numbers(template_id=one, now=clock.now()).discount_fen for one in (part, lost)] == [1_000, 1_000]


def test_a_coupon_costs_whom_its_own_face_names(shop: Shop, engine: Engine, ada: Office) -> None:
    now, template = clock.now(), live_template(clock.now())
    sold(shop, template)
    face = TEN_OFF | {"name_en": "Theirs", "cost_bearer": "supplier"}
    with db.transaction() as session:
        session.execute(insert(CouponFace).values(template_id=template, version=2, face=face, created_at=now))
        session.execute(update(CouponTemplate).values(face_version=2, version=2))
    sold(shop, template)
    assert [row[:4] for row in ada.told()] == [
        ("Theirs", "brand", "S001", 1),
        ("Theirs", "supplier", "S001", 1),
    ]


def test_a_day_is_the_stores_own(shop: Shop, engine: Engine) -> None:
    """1 April has begun on Kiritimati long before it has at home, and in Pago Pago 31 March is not over."""
    ahead = shop.open_store("AHEAD", "Pacific/Kiritimati")
    behind = shop.open_store("BEHIND", "Pacific/Pago_Pago")
    for code in ("AHEAD", "BEHIND"):
        shop.add_till(code, "T1")
    template = bag("store")
    used(shop, template, at=datetime.fromisoformat("2026-03-31T10:30:00Z"), store=ahead)
    used(shop, template, at=datetime.fromisoformat("2026-04-01T10:30:00Z"), store=behind)
    march, april, may = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)

    def stores(begins: date, until: date) -> list[str]:
        found: list[Cost] = costs(within=Period(from_date=begins, until_date=until), store_ids=None, limit=9)
        return [one.store for one in found]

    assert stores(april, may) == ["AHEAD"]
    assert stores(march, april) == ["BEHIND"]
    assert stores(march, may) == ["AHEAD", "BEHIND"]


def test_whoever_settles_one_store_sees_what_was_used_there(shop: Shop, engine: Engine, ada: Office) -> None:
    other = shop.open_store("S002")
    shop.add_till("S002", "T1")
    mia, template = Office(shop, Grant("manager", shop.store.id)), bag("brand")
    used(shop, template)
    used(shop, template, store=other)
    assert [row[2] for row in mia.told()] == ["S001"]
    assert [row[2] for row in ada.told("?store=S002")] == ["S002"]
    for code in ("S002", "S003"):
        assert (mia(f"?store={code}").status_code, mia(f"?store={code}").json["code"]) == (404, "not_found")


def test_a_period_has_an_end_after_its_beginning_within_a_year(shop: Shop, ada: Office) -> None:
    assert ada("?from=2026-01-01&until=2027-01-02").status_code == 200
    for query in (
        "?from=2026-01-01&until=2026-01-01",
        "?from=2026-02-01&until=2026-01-01",
        "?from=2026-01-01&until=2027-01-03",
        "?from=2000-01-01",
        "?until=2000-01-01",
    ):
        refused = ada(query)
        told = (refused.status_code, refused.json["code"], refused.json["most_days"])
        assert told == (422, "coupon_cost_period", 366), query
    assert ada("?from=1999-12-31").json["code"] == "validation_failed"


def test_it_comes_a_page_at_a_time(shop: Shop, engine: Engine, ada: Office) -> None:
    other = shop.open_store("S002")
    shop.add_till("S002", "T1")
    templates = [bag(bearer) for bearer in ("store", "supplier", "brand")]
    for template in templates:
        used(shop, template)
        used(shop, template, store=other)
    whole, seen, cursor = ada().json["items"], [], ""
    while cursor is not None:
        page = ada("?limit=1" + (f"&cursor={cursor}" if cursor else "")).json
        seen, cursor = seen + page["items"], page["next_cursor"]
    assert (len(whole), seen) == (6, whole)
    for key in ("MQ==", "MDFBQkNERUZHSElKS0xNTk9QUVJTVFVWV1gtOS0x"):
        assert ada(f"?cursor={key}").json["code"] == "cursor_malformed"
