import pytest
from sqlalchemy import Engine

from app.staff import accounts
from app.staff.roles import Grant
from tests.app.settlement.trading import NOW
from tests.shop import BOSS, PASSWORD


@pytest.fixture
def chief(unaudited_engine: Engine) -> int:
    """Somebody who may settle all stores."""
    return accounts.add(
        login="chief",
        staff_no="N1",
        name="Chief",
        password=PASSWORD,
        grants=(Grant("admin", None),),
        boss=BOSS,
        now=NOW,
        own_password=True,
    ).id
