"""Races for what there is only one of: each is prepared afresh, run once by all clients, and told by their words."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from sqlalchemy import text

import scan_codes
from app import clock, db
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.engagement.offering import CUP, THANKS, lottery, round_of
from tests.conftest import rows
from tests.coupons import give, live_template
from tests.crowds import WON, Crowd, Told
from tests.events import session
from tests.quoting import fill
from tests.rewards import mugs
from tests.shop import Phone, Shop, TillClient

CENTRE = {"in_centre": True}
MUG = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug"}
SURE, RARE = CUP | {"weight": 1_000_000}, THANKS | {"weight": 1}
#: How many of one member's claims are granted.
LIMIT = 3
#: Until a coupon ends that clients are redeeming.
SOON = timedelta(milliseconds=300)
#: Whose request was answered already, with the same words.
AGAIN = "again"

Words = Counter[str]


class Arena:
    """Where races are run: a shop and its crowd; people and tills as far as a race asks for them."""

    def __init__(self, shop: Shop, crowd: Crowd) -> None:
        self.shop, self.crowd, self.clients = shop, crowd, crowd.clients

    @cached_property
    def phones(self) -> list[Phone]:
        """A member for each client, with points for many rounds."""
        found = [self.shop.member() for _ in range(self.clients)]
        for phone in found:
            fill(phone, points=100_000)
        return found

    @cached_property
    def tills(self) -> list[TillClient]:
        return [self.shop.add_till("S001", f"C{n}") for n in range(self.clients)]

    @cached_property
    def office(self) -> str:
        """The token of somebody who may take coupons back."""
        return staff_token(self.shop.person("chief", Grant("admin", None)).id)

    def scanned(self, **face: object) -> tuple[Phone, str, str]:
        """A member at the till with a coupon that is redeemed by itself: who, the ticket, the template."""
        phone = self.shop.member()
        template = live_template(clock.now(), **{"effect": MUG, "without_sale": True} | face)
        return phone, self.shop.till.ticket(self.shop.code(phone)), template

    def claim(self, n: int, phone: Phone, template: str, key: str | None = None) -> Told:
        return self.crowd.ask(n, "/api/v1/coupons", {"template_id": template}, token=phone.token, key=key)

    def redeem(self, n: int, ticket: str, coupon: str) -> Told:
        body = {"ticket": ticket, "coupon_id": coupon}
        return self.crowd.ask(n, "/pos/v1/coupon-redemptions", body, token=self.shop.till.key)

    def exchange(self, n: int, phone: Phone, item_id: str, key: str | None = None) -> Told:
        body = {"item_id": item_id, "points": 100, "cash_fen": 0, "store": "S001"}
        return self.crowd.ask(n, "/api/v1/reward-orders", body, token=phone.token, key=key)


def words(told: list[Told]) -> Words:
    return Counter(one.word for one in told)


def different(told: list[Told]) -> Words:
    """Of equal answers the first counts as won: what was done twice has two answers."""
    granted = {one.body for one in told if one.status == 201}
    found = words(told)
    return found + Counter({WON: len(granted) - found[WON], AGAIN: found[WON] - len(granted)})


def last_coupon(arena: Arena) -> Words:
    """All want the only one there is."""
    template = live_template(clock.now(), stock=1, terms=CENTRE)
    return words(arena.crowd.race(lambda n: arena.claim(n, arena.phones[n], template)))


def member_limit(arena: Arena) -> Words:
    """One member taps as often as there are clients, each time with another key."""
    phone, template = (
        arena.shop.member(),
        live_template(clock.now(), stock=100, terms=CENTRE | {"per_member": LIMIT}),
    )
    return words(arena.crowd.race(lambda n: arena.claim(n, phone, template)))


def same_claim(arena: Arena) -> Words:
    """One request, sent by all at once."""
    phone, key = arena.shop.member(), uuid.uuid4().hex
    template = live_template(clock.now(), stock=100, terms=CENTRE)
    return different(arena.crowd.race(lambda n: arena.claim(n, phone, template, key)))


def double_redeem(arena: Arena) -> Words:
    """One coupon of one use, redeemed by itself."""
    phone, ticket, template = arena.scanned()
    [coupon] = give(template, phone.member_id, clock.now())
    return words(arena.crowd.race(lambda n: arena.redeem(n, ticket, coupon)))


def redeem_at_the_end(arena: Arena) -> Words:
    """A coupon of many uses ends while all redeem it again and again; what each is told of a use asked for after that.

    Whoever was answered before its end had their use.
    """
    phone, ticket, template = arena.scanned(uses=1_000)
    [coupon] = give(template, phone.member_id, clock.now())
    until = clock.now() + SOON
    with db.transaction() as session:
        session.execute(
            text("UPDATE coupons SET valid_until = :until WHERE id = :id"), {"until": until, "id": coupon}
        )

    def run(n: int) -> Told:
        while True:
            asked_at = clock.now()
            told = arena.redeem(n, ticket, coupon)
            if asked_at >= until:
                return told
            assert told.word == WON or clock.now() >= until, told

    return words(arena.crowd.race(run))


def redeem_against_recall(arena: Arena) -> Words:
    """A coupon for each two clients: one redeems it, the other takes it away."""
    phone, ticket, template = arena.scanned()
    coupons = give(template, phone.member_id, clock.now(), arena.clients // 2)
    office = arena.office

    def run(n: int) -> Told:
        if n % 2:
            return arena.redeem(n, ticket, coupons[n // 2])
        body = {"coupon_ids": [coupons[n // 2]], "reason": "given by mistake"}
        return arena.crowd.ask(n, "/office/v1/coupon-recalls", body, token=office)

    told = arena.crowd.race(run)
    late = sum(one.json["recalled"] == 0 for one in told[::2])
    return words(told) + Counter({"kept": late}) - Counter({WON: late})


def two_tills(arena: Arena) -> Words:
    """Each till has made a quote that counts on the member's one coupon, and all make their sale."""
    phone, now = arena.shop.member(), clock.now()
    give(live_template(now), phone.member_id, now)
    tickets: dict[tuple[int, int], int] = {}
    quotes = []
    for till in arena.tills:
        desk = Desk(desk_of(arena.shop, "", till).till, "", tickets)
        quotes.append(desk.quote(phone.member_id, [line(3_000, 1, "TEA")], now))
    assert {quoted.priced.discount_fen for quoted in quotes} == {1_000}

    def run(n: int) -> Told:
        body = {"quote_id": quotes[n].quote_id, "receipt_no": uuid.uuid4().hex}
        return arena.crowd.ask(n, "/pos/v1/sales", body, token=arena.tills[n].key)

    return words(arena.crowd.race(run))


def one_code(arena: Arena) -> Words:
    """Each till scans the code of one coupon."""
    phone, now = arena.shop.member(), clock.now()
    [coupon] = give(live_template(now), phone.member_id, now)
    [(number,)] = rows(db.engine(), "SELECT coupon_no FROM coupons WHERE id = :id", id=coupon)
    ring, step = arena.shop.parts.issuer.coupons.ring, scan_codes.step_of(now)
    code = scan_codes.issue(ring, int(str(number)), step, prefix="91")
    tills = arena.tills
    return words(
        arena.crowd.race(lambda n: arena.crowd.ask(n, "/pos/v1/scans", {"code": code}, token=tills[n].key))
    )


def last_prize(arena: Arena) -> Words:
    """All draw the prize there is one of; whoever comes too late is given the other one."""
    activity = lottery(prizes=[SURE, RARE])
    round_of(arena.shop, activity)
    path, phones = f"/api/v1/lotteries/{activity.id}/draws", arena.phones
    told = arena.crowd.race(lambda n: arena.crowd.ask(n, path, {"payment": "points"}, token=phones[n].token))
    return Counter(
        "the other one" if one.status == 201 and one.json["given"] == 2 else one.word for one in told
    )


def last_item(arena: Arena) -> Words:
    """All exchange points for the only one there is."""
    item_id = mugs(arena.shop, stock=1).item_id
    return words(arena.crowd.race(lambda n: arena.exchange(n, arena.phones[n], item_id)))


def same_exchange(arena: Arena) -> Words:
    """Two requests, each sent by half of the clients: one member may not ask as often as there are clients."""
    item_id, pair = mugs(arena.shop).item_id, [(arena.shop.member(), uuid.uuid4().hex) for _ in range(2)]
    for phone, _ in pair:
        fill(phone, points=10_000)
    return different(arena.crowd.race(lambda n: arena.exchange(n, pair[n % 2][0], item_id, pair[n % 2][1])))


def last_seat(arena: Arena) -> Words:
    """All book the only seat of a session, and would not wait for another."""
    path, phones = f"/api/v1/events/sessions/{session(arena.shop, seats=1)}/bookings", arena.phones
    return words(arena.crowd.race(lambda n: arena.crowd.ask(n, path, {"points": 100}, token=phones[n].token)))


@dataclass(frozen=True, kw_only=True)
class Race:
    """`winners`, given the number of clients; `lost`: what losers may be told; `left`: counts what winners left."""

    run: Callable[[Arena], Words]
    lost: frozenset[str]
    left: str
    winners: Callable[[int], int] = lambda _: 1


_TOLD_AGAIN = frozenset({AGAIN, "409 busy"})
_NOT_REDEEMED = "409 coupon_not_redeemable"
_COUPONS, _USES = "SELECT count(*) FROM coupons", "SELECT count(*) FROM coupon_redemptions"
RACES = {
    "last coupon": Race(run=last_coupon, lost=frozenset({"409 coupons_used_up"}), left=_COUPONS),
    "limit of a member": Race(
        run=member_limit,
        lost=frozenset({"409 coupon_limit_reached"}),
        left=_COUPONS,
        winners=lambda _: LIMIT,
    ),
    "same claim twice": Race(run=same_claim, lost=_TOLD_AGAIN, left=_COUPONS),
    "double redeem": Race(run=double_redeem, lost=frozenset({_NOT_REDEEMED}), left=_USES),
    "redeem against expiry": Race(
        run=redeem_at_the_end,
        lost=frozenset({_NOT_REDEEMED}),
        left=f"{_USES} r JOIN coupons c ON c.id = r.coupon_id WHERE r.occurred_at >= c.valid_until",
        winners=lambda _: 0,
    ),
    "redeem against recall": Race(
        run=redeem_against_recall,
        lost=frozenset({_NOT_REDEEMED, "kept"}),
        left="SELECT (SELECT count(*) FROM coupons WHERE state = 'void') + count(*) FROM coupon_redemptions",
        winners=lambda clients: clients // 2,
    ),
    "two tills, one coupon": Race(run=two_tills, lost=frozenset({"409 quote_outdated"}), left=_USES),
    "one code of a coupon": Race(
        run=one_code, lost=frozenset({"409 code_replayed"}), left="SELECT count(*) FROM scan_tickets"
    ),
    "last prize": Race(
        run=last_prize, lost=frozenset({"the other one"}), left="SELECT sum(won)::int FROM lottery_stock"
    ),
    "last seat": Race(
        run=last_seat, lost=frozenset({"409 event_full"}), left="SELECT count(*) FROM event_bookings"
    ),
    "last item": Race(
        run=last_item,
        lost=frozenset({"409 reward_used_up"}),
        left="SELECT count(*) FROM reward_orders",
    ),
    "same exchange twice": Race(
        run=same_exchange,
        lost=_TOLD_AGAIN,
        left="SELECT count(*) FROM reward_orders",
        winners=lambda _: 2,
    ),
}
