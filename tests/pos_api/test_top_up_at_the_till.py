"""Money taken in at the till: in the books once, as principal, with the bonus and points of its offer."""

import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.approvals.second_person import ApprovalOutdated
from app.audit import OPERATOR
from app.checkout import top_up
from app.checkout.decide import decide
from app.ledger.expire import expire
from app.points.lots import months_later
from app.staff import accounts
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stored_value import limits
from app.stored_value.change_offer import end
from app.stored_value.credit import parts
from app.stored_value.limits import BalanceLimit
from tests.app.stored_value.offering import offer, set_value_policy, ticket, topped_up
from tests.conftest import rows
from tests.racing import race
from tests.shop import BOSS, Phone, Shop

RUNNERS = 16


@pytest.fixture
def phone(shop: Shop) -> Phone:
    """Somebody with a phone number, whose account may hold 5,000.00."""
    return with_number(shop.member("陈一"))


def with_number(phone: Phone) -> Phone:
    with db.transaction() as session:
        session.execute(
            text("UPDATE members SET phone_cipher = :c, phone_index = :i WHERE id = :m"),
            {"c": b"cipher", "i": uuid.uuid4().bytes, "m": phone.member_id},
        )
    return phone


@pytest.fixture
def clerk(shop: Shop) -> StaffView:
    return shop.person("clerk-1", Grant("clerk", shop.store.id))


@pytest.fixture
def manager(shop: Shop) -> StaffView:
    return shop.person("boss-1", Grant("manager", shop.store.id))


def balance(phone: Phone) -> tuple[int, int, int]:
    told = phone.get("/me/balance").json
    return told["principal_fen"], told["bonus_fen"], told["bonus_to_come_fen"]


def agree(answer: Any, person: StaffView, *, to: bool = True) -> None:
    approval = answer.json["approval_id"]
    decide(approval_id=approval, agree=to, stores=None, staff_id=person.id, now=clock.now())


def test_what_was_paid_is_principal_and_what_was_given_is_bonus(shop: Shop, phone: Phone) -> None:
    given = topped_up(shop, phone, offer_id=offer().id)
    assert given.status_code == 201, given.json
    told = given.json
    assert (told["state"], told["approval_id"]) == ("credited", None)
    assert (told["principal_after_fen"], told["bonus_after_fen"], told["points"]) == (50_000, 5_000, 100)
    assert balance(phone) == (50_000, 5_000, 0)
    assert phone.get("/me/points").json["points"] == 100
    assert phone.get("/me").json["balance_fen"] == 55_000


def test_the_member_sees_each_part_with_its_words_a_page_at_a_time(shop: Shop, phone: Phone) -> None:
    topped_up(shop, phone, offer_id=offer(bonus_days=30).id)
    first = phone.get("/me/balance/entries?limit=1", headers={"Accept-Language": "en"}).json
    second = phone.get(f"/me/balance/entries?limit=1&cursor={first['next_cursor']}").json
    assert second["next_cursor"] is None
    [one], [two] = first["items"], second["items"]
    assert (one["part"], one["amount_fen"], one["text"], one["valid_through"]) == (
        "principal",
        50_000,
        "Top-up",
        None,
    )
    assert (two["part"], two["amount_fen"], two["text"]) == ("bonus", 5_000, "储值赠金")
    assert two["store"] == shop.store.name
    assert two["valid_through"] is not None
    ending = phone.get("/me/balance").json["ending_soon"]
    assert (ending["bonus_fen"], ending["earliest_at"] is None) == (0, True)
    [points] = phone.get("/me/points/entries").json["items"]
    assert (points["reason"], points["text"]) == ("top_up", "储值赠送积分")


def test_bonus_in_parts_comes_month_by_month(shop: Shop, phone: Phone, engine: Engine) -> None:
    given = topped_up(shop, phone, offer_id=offer(bonus_fen=100, bonus_parts=3).id)
    assert (given.json["bonus_after_fen"], given.json["bonus_to_come_fen"]) == (34, 66)
    lots = rows(
        engine,
        "SELECT l.amount, (l.available_at AT TIME ZONE 'Asia/Shanghai')::timestamp FROM ledger_lots l"
        " JOIN ledger_accounts a ON a.id = l.account_id WHERE a.unit = 'bonus_fen' ORDER BY l.id",
    )
    assert [amount for amount, _ in lots] == [34, 33, 33]
    today = clock.business_date(clock.now(), "Asia/Shanghai")
    assert [at.date() for _, at in lots] == [months_later(today, n) for n in range(3)]  # type: ignore[attr-defined]
    assert isinstance(lots[1][1], datetime)
    assert lots[1][1].hour == 0


def test_bonus_ends_on_its_day_and_principal_never(shop: Shop, phone: Phone) -> None:
    topped_up(shop, phone, offer_id=offer(bonus_days=30).id)
    later = clock.now() + timedelta(days=4_000)
    assert expire(now=later) == 1
    assert balance(phone) == (50_000, 0, 0)
    ended = phone.get("/me/balance/entries").json["items"][0]
    assert (ended["text"], ended["part"], ended["amount_fen"], ended["after_fen"]) == (
        "赠金到期",
        "bonus",
        -5_000,
        0,
    )
    assert expire(now=later) == 0


@pytest.mark.parametrize(("fen", "n", "expected"), [(100, 3, [34, 33, 33]), (3, 3, [1, 1, 1]), (7, 1, [7])])
def test_parts_sum_to_the_whole(fen: int, n: int, expected: list[int]) -> None:
    assert parts(fen, n) == expected


def test_the_same_key_gives_the_same_answer_and_no_second_effect(shop: Shop, phone: Phone) -> None:
    body = {"ticket": ticket(shop, phone), "receipt_no": "T-1"}
    first, second = (topped_up(shop, phone, key="one", **body) for _ in range(2))
    assert first.data == second.data
    assert balance(phone) == (50_000, 0, 0)
    other = topped_up(shop, phone, key="one", **body | {"amount_fen": 50_001})
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_ticket_tops_up_once_and_still_sells(shop: Shop, phone: Phone) -> None:
    scanned = ticket(shop, phone)
    assert topped_up(shop, phone, ticket=scanned).status_code == 201
    again = topped_up(shop, phone, ticket=scanned)
    assert (again.status_code, again.json["code"]) == (409, "ticket_used")
    assert shop.till.sell(scanned, 1_000).status_code == 201
    assert balance(phone) == (50_000, 0, 0)


def test_a_receipt_number_is_taken_once_in_a_store(shop: Shop, phone: Phone) -> None:
    topped_up(shop, phone, receipt_no="T-1")
    again = topped_up(shop, phone, receipt_no="T-1")
    assert (again.status_code, again.json["code"]) == (409, "receipt_no_used")
    shop.open_store("S002")
    assert topped_up(shop, phone, till=shop.add_till("S002", "T1"), receipt_no="T-1").status_code == 201


def test_tickets_of_another_till_old_ones_and_those_of_a_frozen_member_top_up_nothing(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    other = shop.add_till("S001", "T2")
    elsewhere = topped_up(shop, phone, till=other, ticket=ticket(shop, phone))
    assert (elsewhere.status_code, elsewhere.json["code"]) == (404, "ticket_unknown")
    scanned = ticket(shop, phone)
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen'"))
    frozen = topped_up(shop, phone, ticket=scanned)
    assert (frozen.status_code, frozen.json["code"]) == (410, "ticket_expired")
    assert rows(engine, "SELECT 1 FROM top_ups") == []


def test_an_account_holds_no_more_than_its_identity_allows(shop: Shop, phone: Phone) -> None:
    nobody = shop.member()
    refused = topped_up(shop, nobody, amount_fen=100_001)
    assert (refused.status_code, refused.json["code"], refused.json["most_fen"]) == (
        409,
        "balance_limit",
        100_000,
    )
    assert topped_up(shop, nobody, amount_fen=100_000).status_code == 201
    assert topped_up(shop, nobody, amount_fen=1_000).json["held_fen"] == 100_000
    assert topped_up(shop, phone, amount_fen=500_000).status_code == 201
    assert topped_up(shop, phone, amount_fen=1_000).json["code"] == "balance_limit"


def test_without_an_offer_only_amounts_within_bounds(shop: Shop, phone: Phone) -> None:
    set_value_policy(least_top_up_fen=5_000, most_top_up_fen=20_000)
    for amount, status in ((4_999, 422), (5_000, 201), (20_000, 201), (20_001, 422)):
        assert topped_up(shop, phone, amount_fen=amount).status_code == status
    other = shop.member()
    assert topped_up(shop, other, offer_id=offer().id).status_code == 201  # an offer has its own amount


def test_an_offer_that_changed_ended_or_costs_something_else_is_not_given(shop: Shop, phone: Phone) -> None:
    shown = offer()
    wrong = topped_up(shop, phone, offer_id=shown.id, amount_fen=49_999)
    end(offer_no=shown.offer_no, version=1, actor=OPERATOR, now=clock.now())
    ended = topped_up(shop, phone, offer_id=shown.id)
    unknown = topped_up(shop, phone, offer_id=9_999)
    for refused in (wrong, ended, unknown):
        assert (refused.status_code, refused.json["code"]) == (409, "offer_outdated")
    assert balance(phone) == (0, 0, 0)


def test_the_first_top_up_is_the_first_of_all(shop: Shop, phone: Phone) -> None:
    first, plain = offer(first_only=True), offer()
    assert topped_up(shop, phone, offer_id=plain.id).status_code == 201
    assert topped_up(shop, phone, offer_id=first.id).json["code"] == "offer_used_up"
    newcomer = shop.member()
    assert topped_up(shop, newcomer, offer_id=first.id).status_code == 201
    assert topped_up(shop, newcomer, offer_id=first.id).json["code"] == "offer_used_up"


def test_an_offer_is_taken_as_often_as_it_says(shop: Shop, phone: Phone) -> None:
    twice = offer(most_per_member=2)
    statuses = [topped_up(shop, phone, offer_id=twice.id).status_code for _ in range(3)]
    assert statuses == [201, 201, 409]


def test_the_till_shows_what_is_offered(shop: Shop) -> None:
    made = offer()
    offer(effective_from=clock.now() + timedelta(days=1))
    told = shop.till.get("/topups/offers").json
    assert [(one["offer_id"], one["name"], one["pay_fen"]) for one in told["items"]] == [
        (made.id, "充 500 送 50", 50_000)
    ]
    assert (told["least_fen"], told["room_fen"]) == (1_000, None)


class TestASecondPerson:
    @pytest.fixture(autouse=True)
    def above_100(self, shop: Shop) -> None:
        set_value_policy(alone_top_up_fen=10_000)

    def test_above_the_limit_nothing_moves_until_another_agrees(
        self, shop: Shop, phone: Phone, clerk: StaffView, manager: StaffView
    ) -> None:
        asked = topped_up(shop, phone, clerk=clerk, offer_id=offer().id)
        assert (asked.json["state"], asked.json["principal_after_fen"]) == ("waiting", 0)
        agree(asked, manager)
        assert balance(phone) == (50_000, 5_000, 0)

    def test_up_to_the_limit_the_clerk_acts_alone(self, shop: Shop, phone: Phone, clerk: StaffView) -> None:
        assert topped_up(shop, phone, clerk=clerk, amount_fen=10_000).json["state"] == "credited"

    def test_the_first_person_must_have_a_name(self, shop: Shop, phone: Phone) -> None:
        refused = topped_up(shop, phone)
        assert (refused.status_code, refused.json["code"]) == (422, "clerk_needed")

    def test_what_was_rejected_gives_nothing_and_counts_against_nothing(
        self, shop: Shop, phone: Phone, clerk: StaffView, manager: StaffView
    ) -> None:
        first = offer(first_only=True)
        agree(topped_up(shop, phone, clerk=clerk, offer_id=first.id), manager, to=False)
        assert balance(phone) == (0, 0, 0)
        agree(topped_up(shop, phone, clerk=clerk, offer_id=first.id), manager)
        assert balance(phone) == (50_000, 5_000, 0)

    def test_what_waits_counts_against_the_limits(self, shop: Shop, clerk: StaffView) -> None:
        nobody, first = shop.member(), offer(first_only=True)
        topped_up(shop, nobody, clerk=clerk, offer_id=first.id)
        assert topped_up(shop, nobody, clerk=clerk, offer_id=first.id).json["code"] == "offer_used_up"
        assert topped_up(shop, nobody, clerk=clerk, amount_fen=50_001).json["code"] == "balance_limit"

    def test_a_clerk_who_left_meanwhile_has_asked_for_nothing(
        self, shop: Shop, phone: Phone, clerk: StaffView, manager: StaffView
    ) -> None:
        asked = topped_up(shop, phone, clerk=clerk)
        accounts.change(
            staff_id=clerk.id,
            version=clerk.version,
            name=None,
            status="disabled",
            grants=None,
            boss=BOSS,
            now=clock.now(),
        )
        with pytest.raises(ApprovalOutdated):
            agree(asked, manager)
        assert balance(phone) == (0, 0, 0)

    def test_agreeing_does_not_lift_the_limit_of_the_account(
        self, shop: Shop, clerk: StaffView, manager: StaffView
    ) -> None:
        nobody = shop.member()
        asked = topped_up(shop, nobody, clerk=clerk, amount_fen=60_000)
        set_value_policy(alone_top_up_fen=10_000, most_without_phone_fen=59_999)
        with pytest.raises(BalanceLimit):
            agree(asked, manager)
        assert balance(nobody) == (0, 0, 0)


def together(shop: Shop, phone: Phone, bodies: list[dict[str, Any]]) -> Counter[str]:
    def run(number: int) -> str:
        body = {"amount_fen": 50_000, "method": "cash", "receipt_no": f"T-{number}"} | bodies[number]
        answer = shop.till.post("/topups", body)
        return "credited" if answer.status_code == 201 else str(answer.json["code"])

    return Counter(race(len(bodies), run))


def several_tickets(engine: Engine, scanned: str) -> list[str]:
    """As many scans of the same member as there are runners; a code is good for one and lasts half a minute."""
    made = [f"{scanned[:-2]}{number:02}" for number in range(RUNNERS)]
    with engine.begin() as connection:
        for one in made:
            connection.execute(
                text(
                    "INSERT INTO scan_tickets SELECT :new, member_id, terminal_id, staff_id, created_at, expires_at"
                    " FROM scan_tickets WHERE id = :old ON CONFLICT DO NOTHING"
                ),
                {"new": one, "old": scanned},
            )
    return made


def test_sixteen_top_ups_at_once_stay_within_the_account(shop: Shop, phone: Phone, engine: Engine) -> None:
    tickets = several_tickets(engine, ticket(shop, phone))
    ended = together(shop, phone, [{"ticket": one} for one in tickets])
    assert ended == {"credited": 10, "balance_limit": 6}
    assert balance(phone) == (500_000, 0, 0)


def test_of_sixteen_first_top_ups_at_once_one_is_the_first(shop: Shop, phone: Phone, engine: Engine) -> None:
    tickets, first = several_tickets(engine, ticket(shop, phone)), offer(first_only=True)
    ended = together(shop, phone, [{"ticket": one, "offer_id": first.id} for one in tickets])
    assert ended == {"credited": 1, "offer_used_up": 15}
    assert balance(phone) == (50_000, 5_000, 0)


def test_of_sixteen_uses_of_one_ticket_one_tops_up(shop: Shop, phone: Phone) -> None:
    scanned = ticket(shop, phone)
    ended = together(shop, phone, [{"ticket": scanned}] * RUNNERS)
    assert ended == {"credited": 1, "ticket_used": 15}
    assert balance(phone) == (50_000, 0, 0)


@pytest.mark.long
class TestWithoutTheLock:
    """The same race with nobody waiting for anybody must go wrong, or it proves nothing."""

    def test_the_account_overflows(
        self, shop: Shop, phone: Phone, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look = limits.check

        def slowly(session: Any, *arguments: Any, **options: Any) -> Any:
            found = look(session, *arguments, **options)
            session.execute(text("SELECT pg_sleep(0.05)"))
            return found

        monkeypatch.setattr(limits, "_ONE_AT_A_TIME", text("SELECT CAST(:member_id AS text)"))
        monkeypatch.setattr(limits, "check", slowly)
        tickets = several_tickets(engine, ticket(shop, phone))
        assert together(shop, phone, [{"ticket": one} for one in tickets])["credited"] > 10


def test_nobody_waits_any_longer_for_what_was_refused_or_not_decided_in_time(
    shop: Shop, phone: Phone, clerk: StaffView, manager: StaffView, engine: Engine
) -> None:
    set_value_policy(alone_top_up_fen=49_999)
    agree(topped_up(shop, phone, clerk=clerk), manager, to=False)
    assert rows(engine, "SELECT state FROM top_ups") == [("closed",)]
    topped_up(shop, phone, clerk=clerk)
    assert top_up.close_expired(now=clock.now() + timedelta(days=6)) == 0
    assert top_up.close_expired(now=clock.now() + timedelta(days=8)) == 1
    assert rows(engine, "SELECT DISTINCT state FROM top_ups") == [("closed",)]
    assert balance(phone) == (0, 0, 0)


def test_offers_come_a_page_at_a_time(shop: Shop, phone: Phone) -> None:
    for pay_fen in (30_000, 10_000, 20_000, 10_000):
        offer(pay_fen=pay_fen, bonus_fen=100, points=0)
    for ask in (shop.till.get, lambda path: phone.get(f"/me{path}")):
        first = ask("/topups/offers?limit=3").json
        rest = ask(f"/topups/offers?limit=3&cursor={first['next_cursor']}").json
        assert [one["pay_fen"] for one in first["items"]] == [10_000, 10_000, 20_000]
        assert ([one["pay_fen"] for one in rest["items"]], rest["next_cursor"]) == ([30_000], None)
    wrong = shop.till.get("/topups/offers?cursor=Nw==")
    assert (wrong.status_code, wrong.json["code"]) == (422, "cursor_malformed")
