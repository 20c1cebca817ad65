"""A shop with a clerk, and two browsers: one that only speaks HTTP, and Chromium."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.staff.roles import Grant
from tests.browsers import chromium
from tests.consoles.till_page import Profiles, TillPage
from tests.consoles.visitor import Visitor
from tests.shop import Phone, Shop


@pytest.fixture
def staff(shop: Shop) -> None:
    """An admin, and Mei, clerk of store S001."""
    shop.person("chief", Grant("admin", None))
    shop.person("mei", Grant("clerk", shop.store.id))


@pytest.fixture
def clerk(staff: None, shop: Shop) -> Visitor:
    """Mei, signed in at till T1 of store S001."""
    visitor = Visitor(shop.app)
    assert visitor.sign_in("mei").status_code == 303
    return visitor


@pytest.fixture(scope="module")
def profiles() -> Iterator[Profiles]:
    """Browsers of one make each, used again so that they need not load the pages' assets anew."""
    with chromium() as browser:
        yield Profiles(browser)


@pytest.fixture
def open_till(profiles: Profiles, address: str) -> Iterator[Callable[..., TillPage]]:
    """Open the till page in a browser that knows nobody; afterwards, no page may have complained."""
    opened: list[TillPage] = []

    def open_one(**options: Any) -> TillPage:
        opened.append(profiles.till(address, **options))
        return opened[-1]

    yield open_one
    complaints = [complaint for till in opened for complaint in till.complaints]
    for till in opened:
        profiles.take_back(till)
    assert complaints == []


@pytest.fixture
def till(staff: None, shop: Shop, open_till: Callable[..., TillPage]) -> TillPage:
    """The till page, with Mei at it."""
    return open_till().enter(shop.app)


@pytest.fixture
def member(shop: Shop) -> Phone:
    return shop.member("张小明")
