"""Fills an empty database by the product's own use cases, with the past handed in as `now`.

No row is written behind the product's back: every member has joined through (the stand-in for) WeChat, every point
comes from a code that was scanned and a sale that was recorded, and the books are sound.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app import idempotency, work
from app.checkout import member_code
from app.checkout.bill import Bill, Line
from app.checkout.pricing import Wishes
from app.checkout.quote import quote
from app.checkout.sale import record_sale
from app.checkout.sale_by_quote import commit_quote
from app.checkout.scan import scan
from app.checkout.tenders import Tender
from app.checkout.top_up import TakenIn, top_up
from app.engagement import gifts
from app.facts.relay import Relay
from app.identity.login import log_in
from app.members.profile import Changes
from app.messages.preferences import edit
from app.parts import Parts
from app.recommendations import count as recommendations
from app.segments import totals
from app.stored_value import offers
from app.stores.tills import Till, till_of_key
from app.tiers.review import review
from demo import activities, asking, lent, mall, outreach, pictures, programme, shop
from demo.chain import STAFF, WALK_TILL
from demo.history import DAYS, OLD_MEMBER, Buys, Joins, events
from demo.wechat import Sandbox

#: Long before the first customer.
_OPENING = timedelta(days=DAYS + 10)
_SCAN_TO_SALE = timedelta(seconds=40)
_SALE_TO_MESSAGE = timedelta(seconds=2)
#: So many sales are rung up for one that asks what is due: that one has its discounts.
_PRICED_EVERY = 3
#: After the last sale, which was yesterday before the shops closed.
_TOP_UP_TO_NOW = timedelta(minutes=30)
#: There is an offer for it; more than may be spent without the member's word on the phone.
_TOPPED_UP_FEN = 30_000


def fill(parts: Parts, sandbox: Sandbox, *, members: int, password: str, now: datetime) -> dict[str, str]:
    """Open the shops and live through half a year; the API keys of the tills, by `S001/T1`."""
    opening = now - _OPENING
    keys = shop.open_stores(now=opening)
    shop.set_rules(now=opening)
    shop.set_tiers(now=opening)
    shop.liven_up(today=now, now=opening)
    shop.take_off(today=now, now=opening)
    shop.pay_with(now=opening)
    shop.offer_top_ups(now=opening)
    cup = pictures.cup(opening)
    coupons = activities.hand_out_coupons(cup, now=opening)
    mall.fill_shelves(coupons, now=opening)
    programme.put_on(cup, today=now, now=opening)
    staff = shop.hire(password, now=opening)
    tills = {till: till_of_key(key) for till, key in keys.items()}
    past = _Past(parts, sandbox, tills, work.fact_relay(parts))
    month = lent.Month(now)
    for event in events(members, sorted(keys), now=now):
        month.reach(past, event.at)
        if isinstance(event, Joins):
            past.join(event)
        else:
            past.buy(event)
    month.reach(past, now)
    month.settle(staff["admin"])
    daily = activities.put_on(parts.seeds, today=now)
    asking.put_on(today=now)
    activities.take_part(past.members[OLD_MEMBER], daily=daily, taster=coupons[2], today=now)
    outreach.reach(past.members[OLD_MEMBER], vault=parts.phones, now=now)
    past.top_up(OLD_MEMBER, WALK_TILL, at=now - _TOP_UP_TO_NOW)
    # What the worker would do: sum up what everybody bought, and in the night what goes together.
    totals.recount()
    recommendations.count(now=now)
    return keys


@dataclass
class _Past:
    parts: Parts
    sandbox: Sandbox
    tills: dict[str, Till]
    relay: Relay
    members: dict[str, int] = field(default_factory=dict)
    receipts: int = 0

    def join(self, event: Joins) -> None:
        person, terms = event.person, self.parts.terms
        logged_in = log_in(
            platforms=self.parts.platforms,
            provider="wechat_mini",
            code=self.sandbox.login_code(person.wechat),
            consent=terms.policy_version,
            key=f"demo-login-{person.wechat}",
            language="zh",
            terms=terms,
            now=event.at,
            vault=self.parts.phones,
        )
        self.members[person.wechat] = logged_in.member_id
        changes = Changes(name=person.name)
        if person.birthday is not None:
            changes["birthday"] = person.birthday
        edit(member_id=logged_in.member_id, changes=changes, now=event.at + timedelta(minutes=1))

    def buy(self, event: Buys) -> None:
        till = self._with_clerk(event.till)
        ticket = self._scan(till, event.person.wechat, event.at)
        paid_at = event.at + _SCAN_TO_SALE
        bill = self._bill(event)
        if self.receipts % _PRICED_EVERY:
            request = _request("sale", till, bill.receipt_no)
            record_sale(till=till, ticket=ticket, bill=bill, request=request, now=paid_at)
        else:
            self._sell_priced(till, ticket, bill.lines, Wishes(), bill.receipt_no, paid_at)
        self._tell(paid_at)

    def pay_in(self, wechat: str, till_name: str, *, amount_fen: int, at: datetime) -> None:
        """Without an offer: all of it is principal."""
        till = self._with_clerk(till_name)
        ticket = self._scan(till, wechat, at)
        taken = TakenIn(amount_fen=amount_fen, method="cash", receipt_no=f"{at:%y%m%d}-P")
        paid_at = at + _SCAN_TO_SALE
        top_up(till=till, ticket=ticket, taken=taken, request=_request("top-up", till, ticket), now=paid_at)
        self._tell(paid_at)

    def spend(self, wechat: str, till_name: str, *, line: Line, balance_fen: int, at: datetime) -> None:
        till = self._with_clerk(till_name)
        ticket = self._scan(till, wechat, at)
        wishes = Wishes(balance_fen=balance_fen)
        self._sell_priced(till, ticket, [line], wishes, f"{at:%y%m%d}-S", at + _SCAN_TO_SALE)
        self._tell(at + _SCAN_TO_SALE)

    def _sell_priced(
        self,
        till: Till,
        ticket: str,
        lines: Sequence[Line],
        wishes: Wishes,
        receipt_no: str,
        at: datetime,
    ) -> None:
        """By a quote, with the discounts that the member has by then."""
        quoted = quote(till=till, ticket=ticket, lines=lines, wishes=wishes, now=at)
        payable_fen = quoted.priced.payable_fen
        commit_quote(
            till=till,
            quote_id=quoted.quote_id,
            receipt_no=receipt_no,
            tenders=[Tender(kind="wechat_pay", amount_fen=payable_fen)] if payable_fen else [],
            request=_request("sale", till, receipt_no),
            now=at,
        )

    def _tell(self, paid_at: datetime) -> None:
        """What a worker does within seconds: the message, also that of welcome, and the member's tier."""
        told_at = paid_at + _SALE_TO_MESSAGE
        work.tell_consumers(self.relay, told_at)
        if gifts.give_due(now=told_at):
            work.tell_consumers(self.relay, told_at)
        work.send_messages(self.parts, lambda: told_at)
        review(now=told_at)

    def top_up(self, wechat: str, till_name: str, *, at: datetime) -> None:
        till = self._with_clerk(till_name)
        ticket = self._scan(till, wechat, at)
        [offer] = [one for one in offers.listing(limit=20, after=None) if one.pay_fen == _TOPPED_UP_FEN]
        taken = TakenIn(
            amount_fen=_TOPPED_UP_FEN, method="cash", receipt_no=f"{at:%y%m%d}-C", offer_id=offer.id
        )
        paid_at = at + _SCAN_TO_SALE
        top_up(till=till, ticket=ticket, taken=taken, request=_request("top-up", till, ticket), now=paid_at)
        self._tell(paid_at)

    def _scan(self, till: Till, wechat: str, at: datetime) -> str:
        shown = member_code.current(issuer=self.parts.issuer, member_id=self.members[wechat], now=at)
        scanned = scan(
            till=till,
            code=shown.code,
            request=_request("scan", till, shown.code),
            issuer=self.parts.issuer,
            throttle=self.parts.throttle,
            now=at,
        )
        return scanned.ticket

    def _with_clerk(self, name: str) -> Till:
        """The store's clerk, where the demo has one."""
        till = self.tills[name]
        numbers = [p.staff_no for p in STAFF if p.login == "clerk" and p.store == till.store_code]
        return till.naming(numbers[0]) if numbers else till

    def _bill(self, event: Buys) -> Bill:
        self.receipts += 1
        lines = [
            Line(
                sku=one.sku,
                name=one.name,
                quantity=one.quantity,
                unit_price_fen=one.price_fen,
                category=one.category,
            )
            for one in event.goods
        ]
        return Bill(
            receipt_no=f"{event.at:%y%m%d}-{self.receipts:05}",
            amount_fen=sum(line.amount_fen for line in lines),
            lines=lines,
        )


def _request(what: str, till: Till, asked: str) -> idempotency.Request:
    return idempotency.Request(
        scope=f"till:{till.terminal_id}",
        key=f"demo-{what}-{asked}",
        hash=hashlib.sha256(asked.encode()).digest(),
    )
