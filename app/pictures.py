"""Pictures of what members can get: made small when they come, kept by their content, shown to anybody.

A picture is a JPEG of at most 960 x 960 pixels, written anew from what was sent: where and with what a photograph was
taken does not come along, nor does anything else that hides in a file. Its id is a hash of it, so an answer may be kept
for ever, and the same picture sent twice is one.
"""

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta
from PIL import Image, ImageOps
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.db import Base, UTCDateTime, reading, transaction
from app.errors import Invalid, NotFound
from app.providers.places import Places

#: What may be sent. A photograph of a phone is larger: whoever makes a picture for phones makes it smaller than that.
MOST_BYTES = 2 * 1024 * 1024
MOST_PIXELS = 12_500_000
#: What is kept.
_SIDE = 960
_QUALITY = 85
_MOST_KEPT_BYTES = 1_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
#: Unpacked it takes some hundred megabytes and half a second of a thread, and tills wait for the same threads.
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
        CheckConstraint(f"width BETWEEN 1 AND {_SIDE} AND height BETWEEN 1 AND {_SIDE}", "size_bounded"),
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
    """Keep a JPEG, PNG or WebP of at most `MOST_BYTES` and `MOST_PIXELS`, made small. The same again is that one.

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


def there_is(session: Session, picture_id: str | None) -> bool:
    """Whether it may be shown with something; None is no picture."""
    if picture_id is None:
        return True
    return session.execute(select(PictureRow.id).where(PictureRow.id == picture_id)).one_or_none() is not None


def _small(content: bytes) -> tuple[Picture, bytes]:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as sent:
            if sent.width * sent.height > MOST_PIXELS:
                raise PictureMalformed(reason="too many pixels")
            # Small first: of what follows each step is a copy.
            full = sent.convert("RGBA") if sent.mode in ("P", "PA", "1") else sent
            full.thumbnail((_SIDE, _SIDE))
            drawn = _on_white(ImageOps.exif_transpose(full))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Whatever is wrong with it, the words of the library help nobody.
        raise PictureMalformed(reason="no picture") from error
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    kept = out.getvalue()
    picture_id = hashlib.sha256(kept).hexdigest()[:32]
    return Picture(id=picture_id, width=drawn.width, height=drawn.height), kept


def _on_white(picture: Image.Image) -> Image.Image:
    """A JPEG has no transparent parts. On a sheet of its own: what else a file told stays with the picture it read."""
    drawn = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        drawn.paste(layer, mask=layer.getchannel("A"))
    else:
        drawn.paste(picture.convert("RGB"))
    return drawn
