"""Who is asking at a till: the store, the terminal, and the clerk if known."""

import hashlib
from dataclasses import dataclass, replace

from app.db import ask, statements
from app.errors import Unauthenticated


@dataclass(frozen=True, kw_only=True)
class Till:
    store_id: int
    store_code: str
    store_name: str
    time_zone: str
    terminal_id: int
    staff_id: int | None = None

    def with_clerk(self, staff_id: int | None) -> "Till":
        return replace(self, staff_id=staff_id)


_TILL = """
    SELECT s.id AS store_id, s.code, s.name, s.time_zone, t.id AS terminal_id
    FROM api_keys k JOIN terminals t ON t.id = k.terminal_id JOIN stores s ON s.id = t.store_id
    WHERE k.key_hash = %(hash)s AND k.revoked_at IS NULL AND t.status = 'active' AND s.status = 'open'"""


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def till_of_key(key: str) -> Till:
    """The till that presents this API key. Raises `Unauthenticated` for unknown and revoked keys and closed stores."""
    with statements() as connection:
        rows = ask(connection, _TILL, {"hash": key_hash(key)})
    if not rows:
        raise Unauthenticated
    [row] = rows
    return Till(
        store_id=row.store_id,
        store_code=row.code,
        store_name=row.name,
        time_zone=row.time_zone,
        terminal_id=row.terminal_id,
    )
