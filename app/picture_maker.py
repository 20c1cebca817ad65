"""A picture made small: a program of its own, because what reads strangers' files may take for ever, or fall over.

Its arguments are the longest side and the formats that are taken. It reads a file from its input and writes the size in
a line, and the JPEG, to its output; or what is wrong, in a line. It knows nothing of the product and gets nothing of
it: no settings, no database. What it was not made for ends with another code than 0.
"""

import io
import resource
import sys

from PIL import Image

_MOST_PIXELS = 12_500_000
_MOST_A_SIDE = 12_000
_QUALITY = 85
#: Each scan of a JPEG is drawn anew over all of it, and costs a dozen bytes; each of a PNG's profiles is unpacked.
_MOST_SCANS = 100
_MOST_PROFILES = 8
#: Of the machine, at most.
_CPU_S = 5
_MEMORY_BYTES = 1 << 30

#: How the camera was held (EXIF 2.32, tag 274) → what stands upright again.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class TooManyPixels(Exception):
    pass


def small(content: bytes, side: int, formats: list[str]) -> Image.Image:
    """Upright, without transparent parts, at most `side` by `side`, and with nothing else that the file told.

    Raises `TooManyPixels`, and whatever the library raises at what is no picture.
    """
    if content.count(b"iCCP") > _MOST_PROFILES:
        raise ValueError("profiles")
    with Image.open(io.BytesIO(content), formats=formats) as sent:
        if sent.width * sent.height > _MOST_PIXELS or max(sent.size) > _MOST_A_SIDE:
            raise TooManyPixels
        # Within a scan no such bytes stand; by chance, in what cameras add, some do.
        if sent.format == "JPEG" and content.count(b"\xff\xda") > _MOST_SCANS:
            raise ValueError("scans")
        turn = _UPRIGHT.get(_held(sent))
        # Small first: of what follows each step is a copy.
        full = _plain(sent)
        full.thumbnail((side, side))
        return _on_white(full if turn is None else full.transpose(turn))


def _held(sent: Image.Image) -> int:
    """What cameras write besides may be odd, and is none of our business."""
    try:
        return int(sent.getexif().get(274, 1))
    except Exception:  # the library lets through whatever odd bytes bring about
        return 1


def _plain(sent: Image.Image) -> Image.Image:
    """With pixels that can be mixed: a palette's numbers cannot, and of sixteen bits the upper eight are seen."""
    if sent.mode in ("P", "PA", "1"):
        return sent.convert("RGBA")
    if sent.mode.startswith("I"):
        return sent.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return sent


def _on_white(picture: Image.Image) -> Image.Image:
    """A JPEG has no transparent parts. On a sheet of its own: what else a file told stays with the picture it read."""
    drawn = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        drawn.paste(layer, mask=layer.getchannel("A"))
    else:
        drawn.paste(picture.convert("RGB"))
    return drawn


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        picture = small(sys.stdin.buffer.read(), int(sys.argv[1]), sys.argv[2:])
    except TooManyPixels:
        sys.stdout.write("too many pixels\n")
        return
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    sys.stdout.buffer.write(b"%d %d\n" % picture.size + out.getvalue())


if __name__ == "__main__":
    main()
