"""The store where a member is at home: that of the first purchase, until the member names another."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.facts.models import Fact
from app.stores.models import Store


@dataclass(frozen=True, kw_only=True)
class HomeStore:
    code: str
    name: str


# Only whoever has none is locked: a till that serves the member waits once in a membership at most, for a moment.
_SETTLE = text("""
    UPDATE members SET home_store_id = :store_id
    WHERE id = :member_id AND home_store_id IS NULL AND status = 'active'""")
_HOME = text("""
    SELECT s.code, s.name FROM members m JOIN stores s ON s.id = m.home_store_id WHERE m.id = :member_id""")


def settle(session: Session, fact: Fact) -> None:
    """Of a sale, by code, credited afterwards or uploaded: its store becomes the buyer's home, if there is none yet."""
    if fact.member_id is not None:
        session.execute(_SETTLE, {"store_id": fact.payload["store_id"], "member_id": fact.member_id})


def home_of(connection: Connection | Session, member_id: int) -> HomeStore | None:
    row = connection.execute(_HOME, {"member_id": member_id}).one_or_none()
    return HomeStore(code=row.code, name=row.name) if row else None


def open_store(session: Session, code: str) -> int:
    """Raises `NotFound`, also for a store that is closed."""
    wanted = select(Store.id).where(Store.code == code, Store.status == "open")
    found = session.execute(wanted).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found
