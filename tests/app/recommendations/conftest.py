"""Members who bought this and that, and what was counted of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.stores.setup import open_store
from tests.app.segments.world import STORES, Person, lay_in


@pytest.fixture
def world(unaudited_engine: Engine) -> Callable[[list[Person]], None]:
    """Puts these people there; nothing was counted yet."""
    for code in STORES:
        open_store(code=code, name=code, time_zone="Asia/Shanghai", actor=OPERATOR, now=clock.now())

    def lay(people: list[Person]) -> None:
        lay_in(unaudited_engine, people)
        with unaudited_engine.begin() as connection:
            connection.execute(text("DELETE FROM sold_together"))

    return lay
