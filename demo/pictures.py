"""Drawings of what the demo's shops give away, so that nobody's photographs have to come along."""

import io
from collections.abc import Callable
from datetime import datetime

from PIL import Image, ImageDraw

from app import pictures
from app.audit import OPERATOR

#: Drawn larger than it is kept: edges are smooth then.
_WIDTH, _HEIGHT = 1_920, 1_200
_CREAM, _SAND, _INK, _WHITE = "#f6efe4", "#d9b991", "#3f342c", "#ffffff"
_GREEN, _BLUE, _COFFEE, _STEEL = "#cfe0d2", "#cddbe6", "#6b4530", "#aeb7bd"

Draw = Callable[[ImageDraw.ImageDraw], None]


def hang(draw: Draw, ground: str, *, now: datetime) -> str:
    """The id of that drawing on a ground of that colour."""
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT), ground)
    draw(ImageDraw.Draw(sheet))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return pictures.add(content=out.getvalue(), actor=OPERATOR, now=now).id


def bag(now: datetime) -> str:
    def draw(on: ImageDraw.ImageDraw) -> None:
        for inner in (0, 260):
            on.arc((760 + inner // 4, 140, 1_160 - inner // 4, 700), 180, 360, fill=_SAND, width=44)
        on.polygon([(600, 400), (1_320, 400), (1_400, 1_060), (520, 1_060)], fill=_SAND)
        on.polygon([(600, 400), (1_320, 400), (1_330, 470), (590, 470)], fill="#c9a678")
        _cup(on, 960, 790, 130, _CREAM, _COFFEE)

    return hang(draw, _GREEN, now=now)


def mug(now: datetime) -> str:
    def draw(on: ImageDraw.ImageDraw) -> None:
        on.ellipse((560, 1_000, 1_460, 1_100), fill="#b7c8d6")
        on.arc((1_180, 460, 1_560, 880), 250, 110, fill=_INK, width=60)
        on.rounded_rectangle((620, 320, 1_300, 1_050), 90, fill=_WHITE)
        on.ellipse((620, 260, 1_300, 400), fill=_INK)
        on.ellipse((650, 285, 1_270, 385), fill=_COFFEE)
        on.polygon([(760, 860), (930, 600), (1_030, 740), (1_090, 660), (1_200, 860)], fill=_GREEN)

    return hang(draw, _BLUE, now=now)


def kettle(now: datetime) -> str:
    def draw(on: ImageDraw.ImageDraw) -> None:
        on.ellipse((520, 990, 1_420, 1_100), fill="#e2d3bd")
        on.line([(760, 900), (520, 800), (470, 420), (380, 340)], fill=_STEEL, width=54, joint="curve")
        on.arc((980, 400, 1_500, 960), 250, 95, fill=_INK, width=64)
        on.polygon([(800, 420), (1_160, 420), (1_300, 1_050), (660, 1_050)], fill=_STEEL)
        on.polygon([(800, 420), (900, 420), (820, 1_050), (660, 1_050)], fill="#c4cbd0")
        on.rounded_rectangle((770, 360, 1_190, 430), 30, fill="#8e989f")
        on.ellipse((930, 270, 1_030, 370), fill=_INK)

    return hang(draw, _CREAM, now=now)


def cup(now: datetime) -> str:
    def draw(on: ImageDraw.ImageDraw) -> None:
        on.ellipse((420, 940, 1_500, 1_100), fill=_WHITE)
        on.ellipse((480, 950, 1_440, 1_070), fill="#efe7db")
        _cup(on, 960, 720, 360, _WHITE, _COFFEE)
        for left in (800, 940, 1_080):
            on.arc((left - 60, 120, left + 60, 260), 90, 270, fill="#e9d9c3", width=22)
            on.arc((left - 60, 238, left + 60, 378), 270, 90, fill="#e9d9c3", width=22)

    return hang(draw, _SAND, now=now)


def _cup(on: ImageDraw.ImageDraw, x: int, y: int, size: int, body: str, filling: str) -> None:
    """Seen a little from above; `size` is half of its width."""
    on.arc(
        (x + size // 2, y - size // 2, x + size * 3 // 2, y + size // 3), 270, 100, fill=body, width=size // 6
    )
    on.chord((x - size, y - size * 4 // 3, x + size, y + size * 3 // 4), 0, 180, fill=body)
    on.ellipse((x - size, y - size // 2, x + size, y - size // 12), fill=body)
    on.ellipse((x - size * 9 // 10, y - size * 5 // 12, x + size * 9 // 10, y - size // 8), fill=filling)
