"""A world of its own in each test; what stands in the books there is not looked at."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.stores.setup import open_store
from tests.app.segments.world import STORES, Person, lay_in


@pytest.fixture
def world(unaudited_engine: Engine) -> Callable[[list[Person]], None]:
    """Puts these people there."""
    for code in STORES:
        open_store(code=code, name=code, time_zone="Asia/Shanghai", actor=OPERATOR, now=clock.now())
    return lambda people: lay_in(unaudited_engine, people)
