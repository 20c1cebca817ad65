"""Pictures of what members can get: made small when they come, kept by their content, shown to anybody.

A picture is a JPEG of at most 960 x 960 pixels, written anew from what was sent: where and with what a photograph was
taken does not come along, nor does anything else that hides in a file. Its id is a hash of it, so an answer may be kept
for ever, and the same picture sent twice is one.
"""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.db import Base, UTCDateTime, reading, transaction
from app.errors import Invalid, NotFound
from app.providers.places import Places

#: What may be sent is smaller. A photograph of a phone is larger: whoever makes a picture for phones makes it less.
MOST_BYTES = 2 * 1024 * 1024
FORMATS = ("JPEG", "PNG", "WEBP")
SIDE = 960
_MOST_KEPT_BYTES = 1_000_000
_MAKER = Path(__file__).with_name("picture_maker.py")
#: Its time of the processor is bounded; this is for when there is none to be had.
_PATIENCE_S = 20
#: It takes some hundred megabytes and half a second, and a thread waits for it of those that tills wait for.
_one_at_a_time = Places(1)

PictureId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class PictureMalformed(Invalid):
    """No picture of the kinds that are taken, broken, or with too many pixels. Data: `reason`."""

    code = "picture_malformed"


class PictureRow(Base):
    """`content` is a JPEG."""

    __tablename__ = "pictures"
    __table_args__ = (
        CheckConstraint(f"octet_length(content) BETWEEN 1 AND {_MOST_KEPT_BYTES}", "content_bounded"),
        CheckConstraint(f"width BETWEEN 1 AND {SIDE} AND height BETWEEN 1 AND {SIDE}", "size_bounded"),
        CheckConstraint("id ~ '^[0-9a-f]{32}$'", "id_form"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int]
    height: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Without its content; sizes in pixels."""

    id: str
    width: int
    height: int


def add(*, content: bytes, actor: audit.Actor, now: datetime) -> Picture:
    """Keep a JPEG, PNG or WebP, made small (picture_maker.py). The same again is that one.

    Raises `PictureMalformed`, and `Busy` while this process makes another one small.
    """
    with _one_at_a_time.one():
        picture, kept = _small(content)
    with transaction() as session:
        values: dict[str, Any] = {"id": picture.id, "width": picture.width, "height": picture.height}
        by = actor.id if actor.type == "staff" else None
        new = insert(PictureRow).values(**values, content=kept, created_by=by, created_at=now)
        added = session.execute(new.on_conflict_do_nothing().returning(PictureRow.id)).one_or_none()
        if added is not None:
            audit.record(session, actor, "picture.add", "picture", picture.id, now=now)
    return picture


def remove(*, picture_id: str, actor: audit.Actor, now: datetime) -> None:
    """What has it shows none from now on; what was fetched may be kept where it is. Raises `NotFound`."""
    with transaction() as session:
        gone = delete(PictureRow).where(PictureRow.id == picture_id).returning(PictureRow.id)
        if session.execute(gone).one_or_none() is None:
            raise NotFound
        audit.record(session, actor, "picture.remove", "picture", picture_id, now=now)


def content(*, picture_id: str) -> bytes:
    """The JPEG. Raises `NotFound`."""
    with reading() as connection:
        found = connection.execute(
            select(PictureRow.content).where(PictureRow.id == picture_id)
        ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return bytes(found)


def may_name(session: Session, picture_id: str | None, *, former: str | None = None) -> bool:
    """Whether something may have it: one that is there, none, or the one it had, which may have been taken away."""
    if picture_id is None or picture_id == former:
        return True
    return session.execute(select(PictureRow.id).where(PictureRow.id == picture_id)).one_or_none() is not None


def _small(content: bytes) -> tuple[Picture, bytes]:
    try:
        made = subprocess.run(  # noqa: S603  # a program of ours
            # Alone: without our settings, our folder or anybody's `PYTHON…`.
            [sys.executable, "-I", str(_MAKER), str(SIDE), *FORMATS],
            input=content,
            capture_output=True,
            env={},
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PictureMalformed(reason="no picture") from None
    if made.returncode != 0:
        raise PictureMalformed(reason="no picture")
    size, _, kept = made.stdout.partition(b"\n")
    if not kept:
        raise PictureMalformed(reason=size.decode())
    width, height = map(int, size.split())
    return Picture(id=hashlib.sha256(kept).hexdigest()[:32], width=width, height=height), kept
