"""Many small questions about one shop: a refusal changes nothing, so one database serves a whole file of them."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import db
from tests.databases import Databases
from tests.shop import Shop


@pytest.fixture(scope="module")
def shared_engine(databases: Databases) -> Iterator[Engine]:
    with databases.one() as database:
        yield database.engine


@pytest.fixture(scope="module")
def shared_shop(whole_app: Flask, shared_engine: Engine) -> Shop:
    db.bind(shared_engine)
    return Shop(whole_app)


@pytest.fixture
def bare_shop(shared_shop: Shop, shared_engine: Engine) -> Shop:
    """A shop that all tests of the file share; for requests that are refused."""
    db.bind(shared_engine)
    server = shared_shop.parts.redis
    assert server is not None
    server.flushdb()
    return shared_shop


@pytest.fixture
def bare_engine(shared_engine: Engine) -> Engine:
    """The database behind `bare_shop`."""
    return shared_engine
