"""What one alone can have, to race for: a coupon, a prize, an item, a seat, one use; new ones for each race."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.definitions import definition_of
from app.engagement.events import change as events
from app.engagement.events import states
from app.engagement.events.event import Terms, content_of
from app.engagement.lottery_rounds import open_round
from app.engagement.lottery_seed import SeedVault
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from bench import claims
from bench.figures import BooksUnsound
from bench.one_coupon import Counters
from bench.requests import request
from bench.stock import TILLS, Stock, in_bulk

CLIENTS, RACES = 32, 20
KINDS = (
    "coupon",
    "prize",
    "exchange",
    "last seat",
    "limit of a member",
    "same exchange twice",
    "double redeem",
    "redeem against recall",
    "two tills, one coupon",
)
_MINUTE = timedelta(minutes=1)
_PRIZES: dict[str, Any] = {
    "prizes": [
        {"name_zh": "马克杯", "name_en": "A mug", "weight": 1_000_000, "stock": 1, "reward": {"points": 5}},
        {"name_zh": "谢谢参与", "name_en": "Better luck next time", "weight": 1},
    ],
    "fallback": 2,
    "cost_points": 1,
}
_TASTING = {"title_zh": "品鉴会", "title_en": "Tasting"}
_MUG = {"name_zh": "马克杯", "name_en": "Mug", "kind": "goods", "price": {"points": 1}}


@dataclass(frozen=True, kw_only=True)
class LastOnes:
    """`ids` of what is raced for, a race each; `left` counts in the database what winners of all of them left."""

    ids: Sequence[str]
    races: Sequence[Sequence[bytes]] = field(repr=False)
    won: tuple[bytes, ...]
    lost: tuple[bytes, ...]
    left: str


class LastOnesLaidIn:
    """Lays them in, with requests of members in turn: nobody runs out of points, nobody asks too often."""

    def __init__(self, engine: Engine, stock: Stock, vault: SeedVault) -> None:
        self._engine, self._stock, self._vault = engine, stock, vault
        self._numbers, self._members = itertools.count(), itertools.count()
        self._counters = Counters(engine=engine, stock=stock)

    def kinds(self) -> dict[str, Callable[[], LastOnes]]:
        made = (
            self.coupons,
            self.prizes,
            self.items,
            self.seats,
            self.limits,
            self.same_exchanges,
            self.redeemed,
            self.recalled,
            self.two_tills,
        )
        return dict(zip(KINDS, made, strict=True))

    def coupons(self) -> LastOnes:
        with in_bulk(self._engine) as connection:
            ids = [claims.template(connection, 1)[0] for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[self._race("/api/v1/coupons", {"template_id": one}) for one in ids],
            won=(b'"id":',),
            lost=(b'"code":"coupons_used_up"',),
            left="SELECT count(*) FROM coupons WHERE template_id = ANY(:ids)",
        )

    def prizes(self) -> LastOnes:
        """Whoever does not win is given the other prize: losing is no refusal here."""
        ids = [self._lottery() for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[self._race(f"/api/v1/lotteries/{one}/draws", {"payment": "points"}) for one in ids],
            won=(b'"given":1',),
            lost=(b'"given":2',),
            left="""SELECT count(*) FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
                WHERE r.activity_id = ANY(:ids) AND d.given = 1""",
        )

    def items(self) -> LastOnes:
        ids = [self._item() for _ in range(RACES)]
        terms = {"points": 1, "cash_fen": 0, "store": "B001"}
        return LastOnes(
            ids=ids,
            races=[self._race("/api/v1/reward-orders", {"item_id": one} | terms) for one in ids],
            won=(b'"id":',),
            lost=(b'"code":"reward_used_up"',),
            left="SELECT count(*) FROM reward_orders WHERE item_id = ANY(:ids)",
        )

    def seats(self) -> LastOnes:
        ids = [self._session() for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[self._race(f"/api/v1/events/sessions/{one}/bookings", {"points": 1}) for one in ids],
            won=(b'"id":',),
            lost=(b'"code":"event_full"',),
            left="SELECT count(*) FROM event_bookings WHERE session_id = ANY(:ids)",
        )

    def limits(self) -> LastOnes:
        """One member claims in every race as often as there are clients, and may once."""
        with in_bulk(self._engine) as connection:
            ids = [claims.template(connection, None, per_member=1)[0] for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[
                self._alone(CLIENTS, "/api/v1/coupons", {"template_id": one}, self._next_token())
                for one in ids
            ],
            won=(b'"id":',),
            lost=(b'"code":"coupon_limit_reached"',),
            left="SELECT count(*) FROM coupons WHERE template_id = ANY(:ids)",
        )

    def same_exchanges(self) -> LastOnes:
        """One request, sent by half of the clients: a member may not ask more often. Losers are answered the same."""
        ids = [self._item(stock=CLIENTS) for _ in range(RACES)]
        terms = {"points": 1, "cash_fen": 0, "store": "B001"}
        return LastOnes(
            ids=ids,
            races=[
                self._alone(1, "/api/v1/reward-orders", {"item_id": one} | terms, self._next_token())
                * (CLIENTS // 2)
                for one in ids
            ],
            won=(b'"id":',),
            lost=(b'"code":"busy"',),
            left="SELECT count(*) FROM reward_orders WHERE item_id = ANY(:ids)",
        )

    def redeemed(self) -> LastOnes:
        """One coupon, redeemed by itself at one till."""
        held = self._counters.mugs(RACES)
        return LastOnes(
            ids=[coupon for _, coupon in held],
            races=[self._redemptions(CLIENTS, *one) for one in held],
            won=(b'"uses_left":0',),
            lost=(b'"code":"coupon_not_redeemable"',),
            left="SELECT count(*) FROM coupon_redemptions WHERE coupon_id = ANY(:ids)",
        )

    def recalled(self) -> LastOnes:
        """One coupon: half of the clients redeem it, the others take it away."""
        held, office = self._counters.mugs(RACES), self._counters.office
        path, half = "/office/v1/coupon-recalls", CLIENTS // 2
        return LastOnes(
            ids=[coupon for _, coupon in held],
            races=[
                self._redemptions(half, *one)
                + self._alone(half, path, {"coupon_ids": [one[1]], "reason": "race"}, office)
                for one in held
            ],
            won=(b'"uses_left":0', b'"recalled":1'),
            lost=(b'"code":"coupon_not_redeemable"', b'"recalled":0'),
            left="""SELECT (SELECT count(*) FROM coupons WHERE id = ANY(:ids) AND state = 'void') + count(*)
                FROM coupon_redemptions WHERE coupon_id = ANY(:ids)""",
        )

    def two_tills(self) -> LastOnes:
        """The quotes of all tills count on one coupon, and all make their sale."""
        quoted = self._counters.quotes(RACES, CLIENTS)
        return LastOnes(
            ids=[coupon for coupon, _ in quoted],
            races=[[self._sale(till, one) for till, one in enumerate(quotes)] for _, quotes in quoted],
            won=(b'"id":',),
            lost=(b'"code":"quote_outdated"',),
            left="SELECT count(*) FROM coupon_redemptions WHERE coupon_id = ANY(:ids)",
        )

    def _redemptions(self, count: int, member_id: int, coupon: str) -> list[bytes]:
        body = {"ticket": self._counters.ticket(member_id), "coupon_id": coupon}
        return self._alone(count, "/pos/v1/coupon-redemptions", body, self._stock.keys[0])

    def _sale(self, till: int, quote_id: str) -> bytes:
        body = {"quote_id": quote_id, "receipt_no": f"race-{next(self._numbers)}"}
        [made] = self._alone(1, "/pos/v1/sales", body, self._stock.keys[till % TILLS])
        return made

    def _alone(self, count: int, path: str, body: Mapping[str, object], token: str) -> list[bytes]:
        """The same from one sender, each time with another key."""
        keys = (f"race-{next(self._numbers)}" for _ in range(count))
        return [request("POST", path, token=token, key=key, body=body) for key in keys]

    def _race(self, path: str, body: Mapping[str, object]) -> list[bytes]:
        return [self._request(path, body) for _ in range(CLIENTS)]

    def _request(self, path: str, body: Mapping[str, object]) -> bytes:
        [made] = self._alone(1, path, body, self._next_token())
        return made

    def _next_token(self) -> str:
        return self._stock.token(1 + next(self._members) % self._stock.members)

    def _session(self) -> str:
        """Of a live event, with one seat."""
        now = clock.now()
        made = events.create(
            store_id=self._stock.store_id, content=content_of(_TASTING), actor=OPERATOR, now=now
        )
        begins = now + 2_880 * _MINUTE
        terms = Terms(
            starts_at=begins,
            ends_at=begins + 60 * _MINUTE,
            seats=1,
            seats_each=1,
            points=1,
            template_id=None,
            cancel_hours=24,
            opens_at=None,
            closes_at=begins,
        )
        made = events.add_session(
            event_id=made.event_id, version=made.version, terms=terms, actor=OPERATOR, now=now
        )
        live = states.publish(event_id=made.event_id, version=made.version, actor=OPERATOR, now=now)
        return live.sessions[0].session_id

    def _item(self, stock: int = 1) -> str:
        place = Place(store_id=self._stock.store_id, stock=stock)
        made = change_item.create(reward=reward_of(_MUG), places=[place], actor=OPERATOR, now=clock.now())
        assert isinstance(made, Item)
        return made.item_id

    def _lottery(self) -> str:
        """Live, in a round that began a moment ago."""
        now = clock.now()
        draft = change.Draft(
            kind="lottery",
            name_zh="抽奖",
            name_en="Lottery",
            starts_at=now - _MINUTE,
            ends_at=None,
            points_most=None,
            coupons_most=None,
            definition=definition_of("lottery", _PRIZES),
        )
        made = change.create(draft=draft, actor=OPERATOR, now=now)
        live = change.publish(activity_id=made.id, version=1, actor=OPERATOR, now=now)
        assert isinstance(live, Activity)
        times = {"starts_at": now - _MINUTE, "ends_at": now + 60 * _MINUTE, "now": now - 2 * _MINUTE}
        open_round(lottery_id=live.id, vault=self._vault, actor=OPERATOR, **times)
        return live.id


def check(engine: Engine, what: LastOnes, winners: Sequence[int]) -> None:
    """One was told in each race that they won, and one did. Raises `BooksUnsound`."""
    with engine.connect() as connection:
        left = connection.execute(text(what.left), {"ids": list(what.ids)}).scalar_one()
    if set(winners) != {1} or left != len(what.races):
        raise BooksUnsound(f"{len(what.races)} races for one each: {left} are out, winners {list(winners)}")
