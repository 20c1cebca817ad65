"""Pictures to send, and one that is there."""

import io
from typing import Any

from PIL import Image

from app import clock, pictures
from app.audit import OPERATOR

RED = (220, 20, 20)


def drawn(
    kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: Any = RED, mode: str = "RGB", **how: Any
) -> bytes:
    """A file of that kind, of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **how)
    return out.getvalue()


def hung() -> str:
    """The id of one that may be named."""
    return pictures.add(content=drawn(), actor=OPERATOR, now=clock.now()).id
