"""Who is asking at a till: the store, the terminal, and the clerk if known."""

import hashlib
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from app.db import ask, statements
from app.errors import Unauthenticated

#: How long a till's key, once found good, may open a request whose own first question asks about it again.
_RECENT_S = 60.0
_MOST_RECENT = 1_000


@dataclass(frozen=True, kw_only=True)
class Till:
    """`staff_no` is the clerk as the machine names them, `staff_id` the one it was found to be.

    `proven`: it is them, by their session or their PIN (app/staff/pins.py). Otherwise anybody at the machine may have
    named them.
    """

    store_id: int
    store_code: str
    store_name: str
    time_zone: str
    terminal_id: int
    staff_id: int | None = None
    staff_no: str | None = None
    proven: bool = False
    pin_wrong: bool = False
    key_hash: bytes | None = field(default=None, repr=False)

    def with_clerk(self, staff_id: int | None) -> "Till":
        return replace(self, staff_id=staff_id)

    def naming(self, staff_no: str | None) -> "Till":
        """With the clerk the machine says it is; nothing is checked yet."""
        return self if staff_no is None else replace(self, staff_no=staff_no)


#: Of the key whose hash is `till_key`: nothing, or the one till it opens. Stands alone or joined to another question.
TILL = """
    SELECT s.id AS store_id, s.code AS store_code, s.name AS store_name, s.time_zone, t.id AS terminal_id
    FROM api_keys k JOIN terminals t ON t.id = k.terminal_id JOIN stores s ON s.id = t.store_id
    WHERE k.key_hash = %(till_key)s AND k.revoked_at IS NULL AND t.status = 'active' AND s.status = 'open'"""

_recent: dict[bytes, tuple[Till, float]] = {}


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def till_of_key(key: str) -> Till:
    """The till that presents this API key. Raises `Unauthenticated` for unknown and revoked keys and closed stores."""
    return _found(key_hash(key))


def recent_till_of_key(key: str) -> Till:
    """As `till_of_key`, but a key found good in the last minute is believed.

    Only for use cases whose first statement joins `TILL` and hands the row to `confirmed`: they save the trip, and a
    key that was revoked in between is refused there, before anything has an effect.
    """
    hashed = key_hash(key)
    till, until = _recent.get(hashed, (None, 0.0))
    if till is not None and monotonic() < until:
        return till
    till = _found(hashed)
    _remember(till)
    return till


def confirmed(till: Till, row: Any) -> Till:
    """The till as the row of `TILL` shows it at this moment, with the clerk it had; itself if it came without a key.

    Raises `Unauthenticated` when its key opens nothing any more.
    """
    if till.key_hash is None:
        return till
    if row.terminal_id is None:
        _recent.pop(till.key_hash, None)
        raise Unauthenticated
    now = replace(
        _till(row, till.key_hash), staff_id=till.staff_id, staff_no=till.staff_no, proven=till.proven
    )
    if now != till:
        _recent.pop(till.key_hash, None)
    return now


def _found(hashed: bytes) -> Till:
    with statements() as connection:
        rows = ask(connection, TILL, {"till_key": hashed})
    if not rows:
        raise Unauthenticated
    [row] = rows
    return _till(row, hashed)


def _till(row: Any, hashed: bytes) -> Till:
    return Till(
        store_id=row.store_id,
        store_code=row.store_code,
        store_name=row.store_name,
        time_zone=row.time_zone,
        terminal_id=row.terminal_id,
        key_hash=hashed,
    )


def _remember(till: Till) -> None:
    if till.key_hash is not None:
        if len(_recent) >= _MOST_RECENT:
            _recent.clear()
        _recent[till.key_hash] = till, monotonic() + _RECENT_S
