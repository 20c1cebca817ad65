"""One effect per key: the answer of a finished request is kept, and given again to whoever asks with the same key.

The row goes in by the use case's own transaction, so the effect and the memory of it are true together or not at
all (the convention is that of draft-ietf-httpapi-idempotency-key-header-07, which stores nothing for refusals).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import LargeBinary, String, Text, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, UTCDateTime, transaction
from app.errors import Invalid

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


_CLAIM = text("SELECT request_hash, answer FROM idempotency_claim(:scope, :key)")
_REMEMBER = text(
    "INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)"
    " VALUES (:scope, :key, :hash, :answer, :now)"
)


def claim(session: Session, request: Request, answer_type: type[T]) -> T | None:
    """Take the key for this transaction; the answer if the request was finished before, else None.

    A twin that is still running is waited for (at most the lock time-out, then `Busy`). Raises `KeyReused` when the
    key belongs to another request.
    """
    row = session.execute(_CLAIM, {"scope": request.scope, "key": request.key}).one_or_none()
    if row is None:
        return None
    if row.request_hash != request.hash:
        raise KeyReused
    return msgspec.json.decode(row.answer, type=answer_type)


def remember(session: Session, request: Request, answer: object, now: datetime) -> None:
    """Keep the answer, a frozen dataclass, with the effect it tells of."""
    session.execute(
        _REMEMBER,
        {
            "scope": request.scope,
            "key": request.key,
            "hash": request.hash,
            "answer": msgspec.json.encode(answer).decode(),
            "now": now,
        },
    )


def prune(*, before: datetime) -> int:
    """Forget answers given before `before`; how many."""
    with transaction() as session:
        gone = session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < before))
        return gone.rowcount  # type: ignore[attr-defined,no-any-return]
