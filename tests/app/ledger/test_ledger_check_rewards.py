"""Each question about the rewards mall finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.second_person import Waiting
from app.audit import Actor
from app.checkout import settle_exchange
from app.checkout.decide import decide
from app.engagement.rewards.change_item import create
from app.engagement.rewards.exchange import Wish, exchange
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from app.idempotency import Request
from app.ledger.check_rewards import REWARD_QUESTIONS
from app.providers.wechat_pay import Payment
from app.staff.roles import Grant
from tests.app.engagement.offering import lottery
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.app.stored_value.offering import ticket
from tests.coupons import live_template
from tests.quoting import fill
from tests.rewards import CUP, coupons, exchanged, given_up, item, mugs
from tests.shop import Phone, Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "no more of a reward is out than there was, and its stock says how many are": [
        "UPDATE reward_stock SET taken = taken + 1 WHERE stock > taken",
        "ALTER TABLE reward_stock DROP CONSTRAINT ck_reward_stock_never_over; UPDATE reward_stock SET stock = 0",
        "DELETE FROM reward_stock WHERE store_id IS NULL",
    ],
    "an exchange cost what its version says": [
        "UPDATE reward_orders SET points = points + 1 WHERE state = 'ready'",
        "UPDATE reward_orders SET bonus_fen = bonus_fen + 1 WHERE principal_fen > 0",
    ],
    "an exchange spent what it says, where it waits": [
        "UPDATE reward_orders SET points = points - 1 WHERE state = 'given'",
        "UPDATE reward_orders SET principal_fen = principal_fen - 1, bonus_fen = bonus_fen + 1 WHERE principal_fen > 0",
        "UPDATE ledger_transactions SET store_id = NULL WHERE kind = 'spend'",
        "UPDATE reward_orders SET member_id = member_id + 1",
        "DELETE FROM reward_orders WHERE state = 'ready'",
        "UPDATE ledger_transactions SET source_id = 'x' || source_id WHERE kind = 'spend'",
    ],
    "an exchange that was undone gave everything back, and no other gave anything": [
        "UPDATE ledger_entries SET amount = amount - 1 WHERE account_id IS NOT NULL AND transaction_id IN"
        " (SELECT id FROM ledger_transactions WHERE kind = 'restore')",
        "UPDATE reward_orders SET state = 'ready', cancelled_at = NULL, cancelled_for = NULL"
        " WHERE state = 'cancelled' AND store_id IS NOT NULL",
        "UPDATE reward_orders SET state = 'cancelled', cancelled_at = ordered_at, cancelled_for = 'member'"
        " WHERE state = 'ready'",
        "UPDATE ledger_transactions SET store_id = NULL WHERE kind = 'restore'",
    ],
    "nobody exchanged more often than an item allows": [
        """UPDATE reward_versions SET reward = reward || '{"per_member": 1}'""",
        """UPDATE reward_versions SET reward = reward || '{"per_member_a_day": 1}'""",
    ],
    "a coupon was given for each exchange that gives one, and is void once that is undone": [
        "DELETE FROM coupons WHERE state = 'held'",
        "UPDATE coupons SET state = 'held'",
        "UPDATE coupons SET source_id = 'none' WHERE state = 'held'",
    ],
    "what was handed over was so in its store, in time, and by a clerk in the audit log": [
        "DELETE FROM audit_log WHERE action = 'reward.hand_over'",
        "UPDATE reward_orders SET handed_over_by = handed_over_by + 1 WHERE state = 'handed_over'",
        "UPDATE reward_orders SET handed_over_at = collect_by WHERE state = 'handed_over'",
        "UPDATE terminals SET store_id = store_id + 1",
    ],
    "the mall's guards are in place": [
        "ALTER TABLE reward_orders DISABLE TRIGGER reward_orders_end_once",
        "DROP TRIGGER reward_versions_append_only ON reward_versions",
        "ALTER TABLE reward_orders DROP CONSTRAINT uq_reward_orders_item_id_member_id_nth",
        "ALTER TABLE reward_stock DROP CONSTRAINT ck_reward_stock_never_over",
    ],
}
VIOLATIONS["a chance was given for each exchange that gives one, and taken back once that is undone"] = [
    "DELETE FROM chance_changes WHERE kind = 'granted'",
    "DELETE FROM chance_changes WHERE kind = 'taken_back'",
    "UPDATE chance_changes SET source_id = 'other-' || id",
]
VIOLATIONS["what WeChat Pay took for an exchange is paid for it, or goes back"] = [
    "UPDATE reward_payments SET amount_fen = amount_fen + 1",
    "DELETE FROM reward_payments",
    "UPDATE reward_orders SET state = 'ready' WHERE state = 'pending'",
    "UPDATE reward_payments SET state = 'paid', refund_asked_at = NULL WHERE state = 'refunding'",
    "UPDATE reward_payments SET trouble = 'closed' WHERE state = 'refunding'",
]
VIOLATIONS["what a second person let into the mall, they did agree to"] = [
    "UPDATE approval_requests SET state = 'rejected' WHERE kind = 'reward_item'"
]
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """A day in the mall: goods that wait, were handed over and given up, with money beside the points, and coupons."""
    anna, phone = shop.person("anna", Grant("clerk", shop.store.id)), shop.member("陈一")
    fill(phone, points=10_000, principal_fen=5_000, bonus_fen=5_000)
    mug, coupon = mugs(shop, stock=9), coupons(live_template(clock.now()))
    bottle = mugs(shop, price={"points": 10, "cash_fen": 2_000})
    exchanged(phone, bottle)
    exchanged(phone, mug)
    handed, undone = exchanged(phone, mug), exchanged(phone, mug)
    assert given_up(phone, undone["id"]).status_code == 200
    exchanged(phone, coupon)
    assert given_up(phone, exchanged(phone, coupon)["id"]).status_code == 200
    body = {"ticket": ticket(shop, phone), "order_id": handed["id"], "staff_no": anna.staff_no}
    assert shop.till.post("/reward-hand-overs", body).status_code == 201
    game = item(Place(store_id=None, stock=None), kind="chance", gives_id=lottery().id)
    exchanged(phone, game)
    assert given_up(phone, exchanged(phone, game)["id"]).status_code == 200
    _by_wechat_pay(phone, bottle)
    _agreed_by_two(shop)
    assert promises_broken(engine) == set()
    return engine


def _by_wechat_pay(phone: Phone, bottle: Item) -> None:
    """One that was paid, one that was paid and given up, one that waits for its payment."""
    for n, given_up_again in ((1, False), (2, True), (3, None)):
        order_id, now = _held(phone, bottle, n), clock.now()
        if given_up_again is None:
            return
        payment = Payment(
            appid="wx",
            mchid="1",
            out_trade_no=order_id,
            transaction_id=f"t{n}",
            amount_fen=2_000,
            currency="CNY",
            openid="o",
            success_at=now,
        )
        settle_exchange.confirm(payment, now=now)
        if given_up_again:
            assert given_up(phone, order_id).status_code == 200


def _held(phone: Phone, bottle: Item, n: int) -> str:
    wish = Wish(item_id=bottle.item_id, store="S001", points=10, cash_fen=2_000, pay_by="wechat_pay")
    request = Request(scope=f"member:{phone.member_id}", key=f"held-{n}", hash=b"h")
    return exchange(member_id=phone.member_id, wish=wish, request=request, now=clock.now()).order_id


def _agreed_by_two(shop: Shop) -> None:
    one, two = (shop.person(name, Grant("admin", None)) for name in ("one", "two"))
    now, place = clock.now(), Place(store_id=shop.store.id, stock=None)
    waiting = create(reward=reward_of(CUP), places=[place], actor=Actor(type="staff", id=one.id), now=now)
    assert isinstance(waiting, Waiting)
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=two.id, now=now)


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(REWARD_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
