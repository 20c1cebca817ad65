"""What Chromium's fake camera shows: a film of grey frames with a code in them, written without any video library."""

import io
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from scan_codes.picture import qr_png

WIDTH, HEIGHT, FRAMES_PER_S = 640, 480, 10
_GREY = 150
#: How wide a phone's picture is in front of the camera.
SCREEN = 340


def film_of(code: str, path: Path) -> None:
    """Half a second of an empty counter, then two seconds of a phone held a little askew; Chromium repeats it."""
    write_film(path, [_frame(None)] * 5 + [_frame(code)] * 20)


def film_of_screen(screenshot: bytes, path: Path) -> None:
    """A phone's screen, as a screenshot of it, held in front of the camera a little askew."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        sheet = ImageOps.expand(picture.convert("L"), border=picture.width // 8, fill=255)
        seen = sheet.resize((SCREEN, SCREEN * sheet.height // sheet.width))
    write_film(path, [_frame_with(None)] * 5 + [_frame_with(seen)] * 20)


def write_film(path: Path, frames: list[Image.Image]) -> None:
    """YUV4MPEG2, the plainest of formats: a header line, then per frame its brightness and two flat colour planes."""
    colour = bytes([128]) * (WIDTH // 2 * HEIGHT // 2) * 2
    # Put in the place of the former in one go: a camera that is just closing still reads that.
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as film:
        film.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            film.write(b"FRAME\n" + frame.tobytes() + colour)
    fresh.replace(path)


def _frame(code: str | None) -> Image.Image:
    if code is None:
        return _frame_with(None)
    with Image.open(io.BytesIO(qr_png(code, module_px=10))) as picture:
        return _frame_with(picture.convert("L"))


def _frame_with(picture: Image.Image | None) -> Image.Image:
    frame = Image.new("L", (WIDTH, HEIGHT), _GREY)
    if picture is not None:
        askew = picture.rotate(7, Image.Resampling.BICUBIC, expand=True, fillcolor=_GREY)
        frame.paste(askew, ((WIDTH - askew.width) // 2, (HEIGHT - askew.height) // 2))
    return frame.filter(ImageFilter.GaussianBlur(1))
