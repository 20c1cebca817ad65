"""Races over real HTTP: exactly as many winners as may be, the others refused in words of the business, never a 5xx.

Each has its control: without its guard the same race must go wrong.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests import unguarded
from tests.app.checkout.production import a_server
from tests.conftest import rows
from tests.crowds import WON, Crowd
from tests.journeys.races import RACES, Arena, Race
from tests.shop import Shop

FEW_CLIENTS, MANY_CLIENTS, MANY_ROUNDS = 16, 32, 20

each_race = pytest.mark.parametrize("race", RACES.values(), ids=RACES.keys())


@pytest.fixture
def arena(shop: Shop, address: str) -> Iterator[Arena]:
    """Before the product in this process, where a guard can be taken away."""
    crowd = Crowd(address, FEW_CLIENTS)
    yield Arena(shop, crowd)
    crowd.leave()


@pytest.fixture
def production(
    shop: Shop, database_url: str, given_environment: dict[str, str], tmp_path: Path
) -> Iterator[Arena]:
    """Before the product as it is run: several processes, and a connection of each client that is kept."""
    server = a_server(given_environment | {"DATABASE_URL": database_url}, tmp_path / "granian.log")
    server.start()
    try:
        crowd = Crowd(server.address, MANY_CLIENTS)
        yield Arena(shop, crowd)
        assert crowd.connections() == MANY_CLIENTS
        crowd.leave()
    finally:
        server.stop()


def hold(race: Race, arena: Arena, engine: Engine, rounds: int) -> None:
    winners = race.winners(arena.clients)
    for _ in range(rounds):
        found = race.run(arena)
        assert (found.pop(WON, 0), found.total(), set(found) - race.lost) == (
            winners,
            arena.clients - winners,
            set(),
        )
    assert rows(engine, race.left) == [(rounds * winners,)]


#: The others are tried beside the code that they would break; over HTTP they run in quantity, or not at all.
_QUICK = ("last coupon", "double redeem", "two tills, one coupon", "last prize", "same exchange twice")


@pytest.mark.parametrize(
    "race",
    [
        pytest.param(race, id=name, marks=() if name in _QUICK else pytest.mark.long)
        for name, race in RACES.items()
    ],
)
def test_a_round(race: Race, arena: Arena, engine: Engine) -> None:
    hold(race, arena, engine, rounds=1)


@pytest.mark.long
@pytest.mark.timeout(600)
@each_race
def test_many_rounds_as_in_production(race: Race, production: Arena, engine: Engine) -> None:
    hold(race, production, engine, MANY_ROUNDS)


@pytest.mark.long
class TestWithoutTheGuards:
    """Most go wrong in their first round; whoever is lucky gets as many as the test above has."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    @pytest.mark.parametrize(
        ("name", "unguard"),
        [
            ("last coupon", unguarded.coupon_stock),
            ("limit of a member", unguarded.coupons_each),
            ("same claim twice", unguarded.keys_of_claims),
            ("double redeem", unguarded.coupon_uses),
            ("redeem against expiry", unguarded.coupon_uses),
            ("redeem against recall", unguarded.recalls),
            ("two tills, one coupon", unguarded.coupon_uses),
            ("one code of a coupon", unguarded.coupon_codes),
            ("last prize", unguarded.prizes),
            ("last seat", unguarded.event_seats),
            ("last item", unguarded.rewards),
            ("same exchange twice", unguarded.keys),
        ],
    )
    def test_more_win_than_may(
        self,
        name: str,
        unguard: Callable[[Engine, pytest.MonkeyPatch], None],
        arena: Arena,
        engine: Engine,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        unguard(engine, monkeypatch)
        race = RACES[name]
        assert any(race.run(arena)[WON] > race.winners(arena.clients) for _ in range(MANY_ROUNDS))
