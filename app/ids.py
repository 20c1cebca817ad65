"""Public identifiers: sortable by time, unguessable, the same everywhere."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id(now: datetime) -> str:
    """A ULID (github.com/ulid/spec): 48 bits of milliseconds, 80 random bits, 26 characters of Crockford's base 32.

    Time first, so that an index over these ids grows at its end; the random part keeps the next id unguessable.
    """
    return _written(int(now.timestamp() * 1000) << 80 | secrets.randbits(80))


def first_id(at: datetime) -> str:
    """The smallest id of that millisecond: ids made before it come before, so a time becomes a place in an index."""
    return _written(int(at.timestamp() * 1000) << 80)


def timeless_id() -> str:
    """Looks the same and is random throughout: for what must not tell when, and so by whom, it was made."""
    return _written(secrets.randbits(128))


def _written(value: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def new_secret() -> str:
    """256 random bits as text, for tokens and tickets: whoever holds it is taken at its word."""
    return secrets.token_urlsafe(32)
