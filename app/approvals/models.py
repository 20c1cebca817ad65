"""What waits for a second person, and how it ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class ApprovalRequest(Base):
    """`kind` and `subject` say what is to be carried out, `details` say it to a reader.

    Without a store it is about all of them, or about several. Whoever asked is never who approves. Where
    `requester_proven` is false a till only claimed the name: then somebody, by their own sign-in, must have spoken for
    it (`vouched_by`), who is not who approves either. `reason` is why they said no.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'approved', 'rejected', 'withdrawn', 'outdated')", "state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", "decided_at"),
        CheckConstraint("(state = 'pending') = (decided_by IS NULL)", "decided_by"),
        CheckConstraint("state NOT IN ('approved', 'rejected') OR decided_by <> requested_by", "two_people"),
        CheckConstraint("state <> 'withdrawn' OR decided_by = requested_by", "own_withdrawal"),
        CheckConstraint(
            "state <> 'approved' OR requester_proven OR (vouched_by IS NOT NULL AND vouched_by <> decided_by)",
            "vouched",
        ),
        CheckConstraint("reason IS NULL OR state IN ('rejected', 'withdrawn')", "reason"),
        Index("ix_approval_requests_own", "requested_by", "id"),
        Index("ix_approval_requests_pending", "store_id", "id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    requested_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(12), server_default="pending")
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str | None] = mapped_column(String(200))
    requester_proven: Mapped[bool] = mapped_column(server_default="true")
    vouched_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
