"""What there is only one of, to race for: a coupon, a lottery's prize, an item of the mall; new ones for each race."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.definitions import definition_of
from app.engagement.lottery_rounds import open_round
from app.engagement.lottery_seed import SeedVault
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from bench import claims
from bench.figures import BooksUnsound
from bench.requests import request
from bench.stock import Stock, in_bulk

CLIENTS, RACES = 32, 20
_MINUTE = timedelta(minutes=1)
_PRIZES: dict[str, Any] = {
    "prizes": [
        {"name_zh": "马克杯", "name_en": "A mug", "weight": 1_000_000, "stock": 1, "reward": {"points": 5}},
        {"name_zh": "谢谢参与", "name_en": "Better luck next time", "weight": 1},
    ],
    "fallback": 2,
    "cost_points": 1,
}
_MUG = {"name_zh": "马克杯", "name_en": "Mug", "kind": "goods", "price": {"points": 1}}


@dataclass(frozen=True, kw_only=True)
class LastOnes:
    """`ids` of what is raced for, a race each; `left` counts in the database what winners of all of them left."""

    ids: Sequence[str]
    races: Sequence[Sequence[bytes]] = field(repr=False)
    won: bytes
    lost: bytes
    left: str


class LastOnesLaidIn:
    """Lays them in, with requests of members in turn: nobody runs out of points, nobody asks too often."""

    def __init__(self, engine: Engine, stock: Stock, vault: SeedVault) -> None:
        self._engine, self._stock, self._vault = engine, stock, vault
        self._numbers = itertools.count()

    def kinds(self) -> dict[str, Callable[[], LastOnes]]:
        return {"coupon": self.coupons, "prize": self.prizes, "exchange": self.items}

    def coupons(self) -> LastOnes:
        with in_bulk(self._engine) as connection:
            ids = [claims.template(connection, 1)[0] for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[self._race("/api/v1/coupons", {"template_id": one}) for one in ids],
            won=b'"id":',
            lost=b'"code":"coupons_used_up"',
            left="SELECT count(*) FROM coupons WHERE template_id = ANY(:ids)",
        )

    def prizes(self) -> LastOnes:
        """Whoever does not win is given the other prize: losing is no refusal here."""
        ids = [self._lottery() for _ in range(RACES)]
        return LastOnes(
            ids=ids,
            races=[self._race(f"/api/v1/lotteries/{one}/draws", {"payment": "points"}) for one in ids],
            won=b'"given":1',
            lost=b'"given":2',
            left="""SELECT count(*) FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
                WHERE r.activity_id = ANY(:ids) AND d.given = 1""",
        )

    def items(self) -> LastOnes:
        ids = [self._item() for _ in range(RACES)]
        terms = {"points": 1, "cash_fen": 0, "store": "B001"}
        return LastOnes(
            ids=ids,
            races=[self._race("/api/v1/reward-orders", {"item_id": one} | terms) for one in ids],
            won=b'"id":',
            lost=b'"code":"reward_used_up"',
            left="SELECT count(*) FROM reward_orders WHERE item_id = ANY(:ids)",
        )

    def _race(self, path: str, body: dict[str, object]) -> list[bytes]:
        return [self._request(path, body) for _ in range(CLIENTS)]

    def _request(self, path: str, body: dict[str, object]) -> bytes:
        number = next(self._numbers)
        token = self._stock.token(1 + number % self._stock.members)
        return request("POST", path, token=token, key=f"race-{number}", body=body)

    def _item(self) -> str:
        place = Place(store_id=self._stock.store_id, stock=1)
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
