"""Where a member is at home: where they first bought, until they say otherwise."""

from sqlalchemy import Engine

from tests.app.engagement.offering import live, work
from tests.conftest import rows
from tests.shop import Phone, Shop, TillClient
from tests.surveys import survey


def buys(shop: Shop, phone: Phone, till: TillClient, *, steps: int = 0) -> None:
    assert till.sell(till.ticket(shop.code(phone, steps=steps)), 1_000).status_code == 201


def home(phone: Phone) -> object:
    return phone.get("/me").json["home_store"]


def test_a_survey_of_a_store_reaches_whoever_bought_there(shop: Shop) -> None:
    asked = survey(conditions={"stores": [shop.store.id]})
    shop.open_store("S002")
    here, there, nowhere = shop.member(), shop.member(), shop.member()
    buys(shop, here, shop.till)
    buys(shop, there, shop.add_till("S002", "T1"))
    work(shop.app)

    seen = [phone.get("/surveys").json["items"] for phone in (here, there, nowhere)]
    assert [[(one["id"], one["for_me"]) for one in items] for items in seen] == [
        [(asked.id, True)],
        [(asked.id, False)],
        [(asked.id, False)],
    ]
    assert home(nowhere) is None


def test_the_first_purchase_says_it_and_the_member_may_say_otherwise(shop: Shop) -> None:
    second = shop.open_store("S002")
    other_till = shop.add_till("S002", "T1")
    phone = shop.member()
    buys(shop, phone, shop.till)
    work(shop.app)
    buys(shop, phone, other_till, steps=1)
    work(shop.app)
    assert home(phone) == {"store": "S001", "name": shop.store.name}

    assert phone.patch("/me", json={"home_store": "S002"}).json["home_store"]["name"] == second.name
    buys(shop, phone, shop.till, steps=-1)
    work(shop.app)
    assert phone.patch("/me", json={"home_store": "S009"}).status_code == 404
    assert home(phone) == {"store": "S002", "name": second.name}


def test_what_the_first_purchase_brings_finds_the_member_at_home(shop: Shop, engine: Engine) -> None:
    live("first_order", conditions={"stores": [shop.store.id]}, reward={"points": 20})
    phone = shop.member()
    buys(shop, phone, shop.till)
    work(shop.app)
    assert rows(engine, "SELECT home_store_id FROM members") == [(shop.store.id,)]
    assert rows(engine, "SELECT points FROM activity_grants") == [(20,)]
