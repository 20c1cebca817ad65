"""Who did what to whom: an append-only row in the transaction of the deed. Ids only, never personal data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, UTCDateTime, into


class AuditRow(Base):
    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("actor_type IN ('staff', 'member', 'operator', 'system')", "actor_type"),
        Index("ix_audit_log_object", "object_type", "object_id"),
        # For reading it newest first (app/staff/audit_trail.py), each ending with the order of the list.
        Index("ix_audit_log_at", "at", "id"),
        Index("ix_audit_log_staff", "actor_id", "at", "id", postgresql_where=text("actor_type = 'staff'")),
        Index("ix_audit_log_action", "action", "at", "id"),
        Index("ix_audit_log_store", "store_id", "at", "id", postgresql_where=text("store_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_type: Mapped[str] = mapped_column(String(8))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(24))
    object_id: Mapped[str] = mapped_column(String(40))
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a staff member or member by id, the operator at the command line, or the system itself."""

    type: str
    id: int | None = None


OPERATOR = Actor(type="operator")
SYSTEM = Actor(type="system")


def record(
    session: Session,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: object,
    *,
    now: datetime,
    store_id: int | None = None,
    **data: Any,
) -> None:
    """Write the row. `data` holds ids, codes and settings before and after; nothing that names a person."""
    session.execute(
        into(AuditRow),
        {
            "at": now,
            "actor_type": actor.type,
            "actor_id": actor.id,
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "store_id": store_id,
            "data": data,
        },
    )
