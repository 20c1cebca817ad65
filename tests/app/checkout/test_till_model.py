"""The till against a small model of it: sales by quote, refunds, top-ups, time; every lot is where the model has it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app import clock, db
from app.audit import OPERATOR
from app.checkout.bill import Line
from app.checkout.pricing import RoundingPolicy
from app.checkout.quote import QUOTE_LIFE
from app.checkout.quoted import Quoted
from app.checkout.refund import RefundPolicy
from app.checkout.refund_parts import NothingToRefund, RefundExceedsSale
from app.checkout.sale_by_quote import QuoteExpired, QuoteOutdated, QuoteUsed
from app.checkout.tenders import Tender
from app.checkout.top_up import TakenIn, top_up
from app.clock import business_date, start_of_day
from app.discounts.change import Draft, create
from app.discounts.rules import definition_of
from app.ledger.expire import expire
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Posting
from app.staff.roles import Grant
from app.stored_value.offers import Offer
from app.stored_value.policy import StoredValuePolicy
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.checkout.till_side import request
from tests.app.ledger.test_ledger_model import STORED, ModelAccount, ModelDebit, ModelLot, repay, take_back_of
from tests.app.stored_value.offering import offer
from tests.quoting import points_pay, set_policy
from tests.shop import Shop

GRACE_DAYS, LIFETIME_DAYS = 1, 2
HOUR = timedelta(hours=1)
UNITS = {"bonus": BONUS, "points": POINTS, "principal": PRINCIPAL}
#: What one rule of the machine does; see the ledger's model.
BURST = 12
GOODS = [
    (333, "TEA", "drinks"),
    (1_250, "CAKE", "food"),
    (1, "BAG", ""),
    (0, "GIFT", "drinks"),
    (9_999, "CUP", ""),
]


@dataclass
class ModelLine:
    quantity: int
    amount_fen: int
    points: int
    back_quantity: int = 0
    back_fen: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.back_quantity

    @property
    def earned_back(self) -> Fraction:
        """What all that has gone back of it had earned."""
        if self.amount_fen:
            return Fraction(self.points * self.back_fen, self.amount_fen)
        return Fraction(self.points * self.back_quantity, self.quantity)

    def goes_back(self, quantity: int) -> int:
        """Its money, counted from the beginning."""
        upto = self.back_quantity + quantity
        fen = self.amount_fen * upto // self.quantity
        found = fen - self.back_fen
        self.back_quantity, self.back_fen = upto, fen
        return found


@dataclass
class ModelSale:
    sale_id: str
    member_id: int
    lines: list[ModelLine]
    #: In the order in which the member's own comes first; kind → fen, and how many points that took.
    tenders: dict[str, int]
    points: int
    earned: ModelLot | None
    debits: dict[str, ModelDebit]
    back_fen: int = 0
    given: dict[str, int] = field(default_factory=dict)

    def tenders_at(self, fen: int) -> dict[str, int]:
        """What of each has gone back once so much of the sale has."""
        found, whole = {}, sum(self.tenders.values())
        for kind, amount in self.tenders.items():
            found[kind] = amount * fen // whole
            fen, whole = fen - found[kind], whole - amount
        return found


class Tills(RuleBasedStateMachine):
    shop: Shop
    desk: Desk
    offer: Offer
    steps = 0

    @initialize()
    def open_tills(self) -> None:
        self.now = clock.now() + HOUR
        self.members = [self.shop.member().member_id for _ in range(2)]
        self.accounts = {
            (who, unit): ModelAccount() for who in self.members for unit in (*UNITS.values(), "points_owed")
        }
        self.sales: list[ModelSale] = []
        for who in self.members:
            self.top_up(who)

    @rule(seed=st.integers(0, 2**32 - 1))
    def burst(self, seed: int) -> None:
        random = Random(seed)
        for _ in range(BURST):
            type(self).steps += 1
            self.one(random)
        self.till_and_model_agree()

    def one(self, random: Random) -> None:
        pick, who = random.random(), random.choice(self.members)
        # Minutes pass always, so that no two scans of a member need the same code.
        self.now += random.choice((timedelta(minutes=1), timedelta(minutes=1), HOUR, 11 * HOUR, 26 * HOUR))
        if pick < 0.15:
            self.top_up(who)
        elif pick < 0.2:
            expire(now=self.now)
            for account in self.accounts.values():
                account.expire(self.now)
        elif pick < 0.55:
            self.sell(random, who)
        elif pick < 0.6:
            self.sell_what_was_spent(random, who)
        elif self.sales:
            self.refund(random, random.choice(self.sales[-12:]))

    def top_up(self, who: int) -> None:
        if self.accounts[who, PRINCIPAL].balance() > 300_000:
            return
        taken = TakenIn(amount_fen=3_000, method="cash", receipt_no=request().key, offer_id=self.offer.id)
        till, ticket = self.desk.till, self.desk.ticket(who, self.now)
        answer = top_up(till=till, ticket=ticket, taken=taken, request=request(), now=self.now)
        ends = self.midnight(LIFETIME_DAYS)
        self.credit(who, BONUS, 700, ends)
        self.credit(who, POINTS, 150, ends)
        self.credit(who, PRINCIPAL, 3_000, None)
        assert answer.principal_after_fen == self.spendable(who, PRINCIPAL)
        assert answer.bonus_after_fen == self.spendable(who, BONUS)

    def sell(self, random: Random, who: int) -> None:
        quoted = self.quote(random, who)
        if random.random() < 0.1:
            with pytest.raises(QuoteExpired):
                self.desk.sell(quoted, self.now + QUOTE_LIFE)
        self.take(random, who, quoted)

    def sell_what_was_spent(self, random: Random, who: int) -> None:
        """Two quotes of one purse: what the first takes the second may not have any more."""
        first, second = (self.quote(random, who) for _ in range(2))
        self.take(random, who, first)
        wants = _own(second)
        if any(amount > self.spendable(who, UNITS[kind]) for kind, amount in wants.items()):
            with pytest.raises(QuoteOutdated):
                self.desk.sell(second, self.now)
        else:
            self.take(random, who, second)

    def quote(self, random: Random, who: int) -> Quoted:
        bill = [_line(random) for _ in range(random.randint(1, 4))]
        points, balance = (random.choice((0, random.randint(1, 900), 99_999)) for _ in range(2))
        quoted = self.desk.quote(who, bill, self.now, points=points, balance_fen=balance)
        priced = quoted.priced
        due = priced.amount_fen + priced.rounding_fen
        purse = self.spendable(who, PRINCIPAL) + self.spendable(who, BONUS)
        assert priced.goods_fen == sum(one.amount_fen for one in bill)
        assert priced.points.points == min(points, self.spendable(who, POINTS), due * 2) // 2 * 2
        assert priced.balance.amount_fen == min(balance, purse, due - priced.points.fen)
        drinks = sum(one.amount_fen for one in bill if one.category == "drinks")
        assert priced.discount_fen - priced.rounding_fen == drinks * 730 // 10_000
        return quoted

    def take(self, random: Random, who: int, quoted: Quoted) -> None:
        priced, again = quoted.priced, request()
        cash = priced.payable_fen // 3
        paid = [
            Tender(kind="cash", amount_fen=cash),
            Tender(kind="card", amount_fen=priced.payable_fen - cash),
        ]
        tenders = [tender for tender in paid if tender.amount_fen]
        sold = self.desk.sell(quoted, self.now, tenders=tenders, again=again)
        if random.random() < 0.1:
            assert self.desk.sell(quoted, self.now, tenders=tenders, again=again) == sold
            with pytest.raises(QuoteUsed):
                self.desk.sell(quoted, self.now)
        earned = None
        debits = {kind: self.debit(who, UNITS[kind], amount) for kind, amount in sorted(_own(quoted).items())}
        if priced.earning.points:
            earned = self.credit(who, POINTS, priced.earning.points, self.midnight(LIFETIME_DAYS))
            assert sold.points_after == self.spendable(who, POINTS)
        assert sold.points_earned == priced.earning.points
        balance = priced.balance
        kinds = {
            "points": priced.points.fen,
            "bonus": balance.bonus_fen,
            "principal": balance.principal_fen,
            **{tender.kind: tender.amount_fen for tender in tenders},
        }
        money = balance.principal_fen + priced.payable_fen
        assert priced.earning.points == money // 100
        lines = [ModelLine(one.quantity, one.amount_fen, one.points) for one in priced.lines]
        paid_with = {kind: fen for kind, fen in kinds.items() if fen}
        self.sales.append(
            ModelSale(sold.sale_id, who, lines, paid_with, priced.points.points, earned, debits)
        )

    def refund(self, random: Random, sale: ModelSale) -> None:
        left = {number: one.left for number, one in enumerate(sale.lines, 1) if one.left}
        if not left:
            with pytest.raises(NothingToRefund):
                self.desk.refund(sale.sale_id, self.now)
            with pytest.raises(RefundExceedsSale):
                self.desk.refund(sale.sale_id, self.now, {1: 1})
            return
        some = random.sample(sorted(left), random.randint(1, len(left)))
        quantities = {number: random.randint(1, left[number]) for number in some}
        if random.random() < 0.2:
            quantities = left
        again = request()
        back = self.desk.refund(sale.sale_id, self.now, quantities, again=again)
        if random.random() < 0.1:
            assert self.desk.refund(sale.sale_id, self.now, quantities, again=again) == back
        earned_before = floor(sum(one.earned_back for one in sale.lines))
        fen = sum(sale.lines[number - 1].goes_back(quantity) for number, quantity in quantities.items())
        points = floor(sum(one.earned_back for one in sale.lines)) - earned_before
        assert (back.amount_fen, back.points) == (fen, points)
        before, after = sale.tenders_at(sale.back_fen), sale.tenders_at(sale.back_fen + fen)
        sale.back_fen += fen
        given = {kind: after[kind] - before[kind] for kind in after}
        of_points = 0
        if "points" in given:
            worth = sale.tenders["points"]
            of_points = sale.points * after["points"] // worth - sale.points * before["points"] // worth
        assert {t.kind: (t.amount_fen, t.points) for t in back.tenders} == {
            kind: (amount, of_points if kind == "points" else 0)
            for kind, amount in given.items()
            if amount or (kind == "points" and of_points)
        }
        self.give_back(sale, given | ({"points": of_points} if "points" in given else {}))
        if points:
            assert sale.earned is not None
            account, owed = (self.accounts[sale.member_id, unit] for unit in (POINTS, "points_owed"))
            taken, debt, _ = take_back_of(account, owed, sale.earned, points, self.now)
            assert (back.points_taken, back.points_owed) == (taken, debt)
        if points or of_points:
            assert back.points_after == self.spendable(sale.member_id, POINTS)

    def give_back(self, sale: ModelSale, given: dict[str, int]) -> None:
        for kind in sorted(given.keys() & UNITS.keys()):
            amount, account = given[kind], self.accounts[sale.member_id, UNITS[kind]]
            if not amount:
                continue
            grace = self.midnight(GRACE_DAYS)
            first, alive = account.give_back(sale.debits[kind], amount, self.now, grace)
            sale.debits[kind].back += amount
            if kind == "points" and alive:
                repay(account, self.accounts[sale.member_id, "points_owed"], first, alive, self.now)

    def credit(self, who: int, unit: str, amount: int, ends: datetime | None) -> ModelLot:
        account = self.accounts[who, unit]
        account.expire(self.now)
        account.move(Posting(member_id=who, unit=unit, amount=amount, house="", expires_at=ends), self.now)
        lot = account.lots[-1]
        if unit == POINTS:
            repay(account, self.accounts[who, "points_owed"], lot, amount, self.now)
        return lot

    def debit(self, who: int, unit: str, amount: int) -> ModelDebit:
        account = self.accounts[who, unit]
        account.expire(self.now)
        took = account.move(Posting(member_id=who, unit=unit, amount=-amount, house=""), self.now)
        return ModelDebit(who, unit, 0, took)

    def spendable(self, who: int, unit: str) -> int:
        return self.accounts[who, unit].spendable(self.now)

    def midnight(self, days: int) -> datetime:
        """After so many whole days."""
        zone = self.desk.till.time_zone
        return start_of_day(business_date(self.now, zone) + timedelta(days=days + 1), zone)

    def till_and_model_agree(self) -> None:
        with db.reading() as connection:
            found = connection.execute(STORED, {"members": self.members})
            stored = {(row.member_id, row.unit): (row.balance, row.lots) for row in found if row.last_seq}
        assert stored == {
            key: (account.balance(), [lot.remaining for lot in account.lots])
            for key, account in self.accounts.items()
            if account.moved
        }


def _own(quoted: Quoted) -> dict[str, int]:
    """What the member spends: points, or fen, by kind."""
    priced = quoted.priced
    own = {
        "points": priced.points.points,
        "bonus": priced.balance.bonus_fen,
        "principal": priced.balance.principal_fen,
    }
    return {kind: amount for kind, amount in own.items() if amount}


def _line(random: Random) -> Line:
    price, sku, category = random.choice(GOODS)
    return line(price, random.choice((1, 1, 2, 3, 7)), sku, category)


def run(shop: Shop, examples: int, steps: int, phases: Sequence[Phase] = (Phase.generate,)) -> int:
    points_pay(points_per_yuan=200)
    set_policy(RoundingPolicy, down_to_fen=10)
    set_policy(StoredValuePolicy, confirm_above_fen=None, spend_order="pro_rata")
    set_policy(RefundPolicy, within_days=3_660, alone_fen=1_000_000_000, grace_days=GRACE_DAYS)
    shop.rule(rate_bp=10_000, lifetime_days=LIFETIME_DAYS)
    off = definition_of(
        {"effect": {"kind": "percent", "percent_bp": 730}, "conditions": {"categories": ["drinks"]}}
    )
    create(draft=Draft(name_zh="饮品", name_en="Drinks", definition=off), actor=OPERATOR, now=clock.now())
    anna = shop.person("anna", Grant("clerk", shop.store.id))

    class TillsOfThisTest(Tills):  # steps are counted in the class
        pass

    TillsOfThisTest.shop, TillsOfThisTest.desk = shop, desk_of(shop, anna.staff_no)
    TillsOfThisTest.offer = offer(
        pay_fen=3_000, bonus_fen=700, points=150, bonus_days=LIFETIME_DAYS, points_days=LIFETIME_DAYS
    )
    run_state_machine_as_test(
        TillsOfThisTest,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return TillsOfThisTest.steps


def test_till_and_model_agree(shop: Shop) -> None:
    assert run(shop, examples=2, steps=10) >= 100


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_till_and_model_agree_for_five_thousand_steps(shop: Shop) -> None:
    assert run(shop, examples=60, steps=12) >= 5_000
