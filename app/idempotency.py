"""One effect per key: the answer of a finished request is kept, and given again to whoever asks with the same key.

The row goes in by the use case's own transaction, so the effect and the memory of it are true together or not at
all (the convention is that of draft-ietf-httpapi-idempotency-key-header-07, which stores nothing for refusals).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, UTCDateTime, ask, reading
from app.errors import Invalid
from app.pruning import always, forget
from app.typed import read

T = TypeVar("T")


class KeyReused(Invalid):
    """The key was used for another request; the caller must make a new one."""

    code = "idempotency_key_reused"


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Who asked (`scope`: the till or the member), under which key, and a hash over what was asked."""

    scope: str
    key: str
    hash: bytes


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """What stood under a key when it was looked up: `answer` is None if nothing did. `at_s`: before that, by
    `time.monotonic`."""

    at_s: float
    answer: str | None


#: For a statement that looks for a former answer and at something else in the same trip (values: `claim_values`).
#: It takes no lock. Of two twins that both find nothing, the primary key lets one write; the other looks again.
FORMER = "SELECT request_hash, answer FROM idempotency_keys WHERE scope = %(scope)s AND key = %(key)s"
_CLAIM = "SELECT request_hash, answer FROM idempotency_claim(%(scope)s, %(key)s)"
#: Writes the answer together with its effect (values: `answer_values`).
_REMEMBER = """INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
        VALUES (%(scope)s, %(key)s, %(request_hash)s, %(answer)s, %(now)s)"""


def claim(session: Session, request: Request, answer_type: type[T]) -> T | None:
    """Take the key for this transaction; the answer if the request was finished before, else None.

    A twin that is still running is waited for (at most the lock time-out, then `Busy`). Raises `KeyReused` when the
    key belongs to another request.
    """
    for row in ask(session, _CLAIM, claim_values(request)):
        return former(request, row.request_hash, row.answer, answer_type)
    return None


def given(request: Request, answer_type: type[T]) -> T | None:
    """The answer if the request was finished before, without taking the key: whoever asks again is not counted twice,
    and nothing else is asked for them.

    Raises `KeyReused`.
    """
    with reading() as connection:
        for row in ask(connection, FORMER, claim_values(request)):
            return former(request, row.request_hash, row.answer, answer_type)
    return None


def claim_values(request: Request) -> dict[str, object]:
    return {"scope": request.scope, "key": request.key}


def former(
    request: Request, request_hash: bytes | None, answer: str | None, answer_type: type[T]
) -> T | None:
    """The answer given before, None for a key that is new. Raises `KeyReused`."""
    if request_hash is None or answer is None:
        return None
    if request_hash != request.hash:
        raise KeyReused
    return read(answer, answer_type)


def remember(session: Session, request: Request, answer: object, now: datetime) -> None:
    """Keep the answer, a frozen dataclass, with the effect it tells of."""
    ask(session, _REMEMBER, answer_values(request, answer, now))


def answer_values(request: Request, answer: object, now: datetime) -> dict[str, object]:
    return {
        **claim_values(request),
        "request_hash": request.hash,
        "answer": msgspec.json.encode(answer).decode(),
        "now": now,
    }


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget answers given before `before`; how many."""
    return forget("idempotency_keys", "created_at", before=before, keep_going=keep_going)
