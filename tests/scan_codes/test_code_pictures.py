import io
import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import png
import pytest
import zxingcpp
from PIL import Image

from scan_codes import KeyRing, issue
from scan_codes.barcode import _WIDTHS, code128_modules
from scan_codes.picture import code128_png, code128_svg, qr_png, qr_svg

QR, CODE128 = zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128
SVG = "{http://www.w3.org/2000/svg}"
RECTANGLE = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")


@pytest.fixture
def codes(ring: KeyRing, rng: random.Random) -> list[str]:
    return [issue(ring, rng.randrange(10**9), rng.randrange(10**8)) for _ in range(25)]


@pytest.mark.parametrize(("draw", "form"), [(qr_png, QR), (code128_png, CODE128)])
@pytest.mark.parametrize("module_px", [2, 3, 8])
def test_a_drawn_png_reads_back_as_the_code(
    codes: list[str], draw: Callable[..., bytes], form: zxingcpp.BarcodeFormat, module_px: int
) -> None:
    for code in codes:
        assert read(open_png(draw(code, module_px=module_px))) == (code, form)


@pytest.mark.parametrize(("draw", "form"), [(qr_svg, QR), (code128_svg, CODE128)])
def test_a_drawn_svg_reads_back_as_the_code(
    codes: list[str], draw: Callable[[str], str], form: zxingcpp.BarcodeFormat
) -> None:
    for code in codes:
        assert read(paint_svg(draw(code), scale=3)) == (code, form)


@pytest.mark.parametrize(("png_of", "svg_of"), [(qr_png, qr_svg), (code128_png, code128_svg)])
def test_png_and_svg_are_the_same_picture(
    codes: list[str], png_of: Callable[..., bytes], svg_of: Callable[[str], str]
) -> None:
    for code in codes:
        from_png, from_svg = open_png(png_of(code, module_px=1)), paint_svg(svg_of(code), scale=1)
        assert from_png.size == from_svg.size
        assert from_png.tobytes() == from_svg.tobytes()


def test_a_code_is_the_smallest_qr_code_and_survives_damage_of_a_quarter(codes: list[str]) -> None:
    for code in codes:
        image = open_png(qr_png(code, module_px=1))
        assert image.size == (21 + 8, 21 + 8)
        [found] = zxingcpp.read_barcodes(open_png(qr_png(code)))
        assert found.ec_level == "Q"


@pytest.mark.parametrize("draw", [qr_svg, code128_svg])
def test_an_svg_passes_a_strict_content_security_policy(ring: KeyRing, draw: Callable[[str], str]) -> None:
    """No style, script, event handler, link or text: only shapes with presentation attributes."""
    code = issue(ring, 42, 59_000_000)
    svg = draw(code)
    elements = list(ET.fromstring(svg).iter())
    assert [element.tag for element in elements] == [f"{SVG}svg", f"{SVG}path", f"{SVG}path"]
    assert {name for element in elements for name in element.attrib} == {
        "viewBox",
        "shape-rendering",
        "fill",
        "d",
    }
    assert "".join(element.text or "" for element in elements) == ""
    assert code not in svg


def test_the_png_is_one_bit_deep_and_says_nothing_but_the_picture(ring: KeyRing) -> None:
    for draw in (qr_png, code128_png):
        chunks = [kind for kind, _ in png.Reader(bytes=draw(issue(ring, 42, 59_000_000))).chunks()]
        assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}


def test_twenty_digits_take_145_modules_and_two_quiet_zones(codes: list[str]) -> None:
    for code in codes:
        modules = code128_modules(code)
        assert len(modules) == 145 + 20
        assert modules[:10] == modules[-10:] == "0" * 10
        assert modules[10] == modules[-11] == "1"


def test_every_symbol_has_eleven_modules_and_an_even_number_of_dark_ones() -> None:
    assert len(_WIDTHS) == len(set(_WIDTHS)) == 106
    for widths in _WIDTHS:
        assert sum(map(int, widths)) == 11
        assert sum(map(int, widths[::2])) % 2 == 0


def test_every_pair_of_digits_reads_back() -> None:
    for pair in range(100):
        digits = f"{pair:02d}{99 - pair:02d}"
        assert read(open_png(code128_png(digits))) == (digits, CODE128)


def test_every_check_symbol_reads_back() -> None:
    drawn: dict[int, str] = {}
    for number in range(10_000):
        drawn.setdefault((105 + number // 100 + 2 * (number % 100)) % 103, f"{number:04d}")
    assert drawn.keys() == set(range(103))
    for digits in drawn.values():
        assert read(open_png(code128_png(digits))) == (digits, CODE128)


@pytest.mark.parametrize("text", ["", "123", "12 4", "12a4", "\uff11\uff12", "\u00b2\u00b2", "1" * 42])
def test_a_bar_code_takes_an_even_number_of_digits_only(text: str) -> None:
    for draw in (code128_modules, code128_svg, code128_png):
        with pytest.raises(ValueError, match="an even number of digits"):
            draw(text)


@pytest.mark.parametrize("text", ["", "12 4", "https://example.com", "\uff11\uff12", "\u00b2", "1" * 28])
def test_a_qr_code_takes_digits_only(text: str) -> None:
    for draw in (qr_svg, qr_png):
        with pytest.raises(ValueError, match="takes 1 to 27 digits"):
            draw(text)


@pytest.mark.parametrize("module_px", [0, -1, 41, 10_000])
def test_the_size_of_a_png_is_bounded(module_px: int) -> None:
    for draw in (qr_png, code128_png):
        with pytest.raises(ValueError, match="a module takes 1 to 40 pixels"):
            draw("12345678901234567890", module_px=module_px)


def read(image: Image.Image) -> tuple[str, zxingcpp.BarcodeFormat]:
    [found] = zxingcpp.read_barcodes(image)
    return found.text, found.format


def open_png(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def paint_svg(svg: str, *, scale: int) -> Image.Image:
    """Paint the rectangles of the dark path; fails on any path command that is not one of them."""
    root = ET.fromstring(svg)
    _, _, width, height = map(int, root.attrib["viewBox"].split())
    dark = root.findall(f"{SVG}path")[1].attrib["d"]
    assert RECTANGLE.sub("", dark) == ""
    image = Image.new("L", (width * scale, height * scale), 255)
    for x, y, w, h, back in (map(int, found) for found in RECTANGLE.findall(dark)):
        assert back == w
        image.paste(0, (x * scale, y * scale, (x + w) * scale, (y + h) * scale))
    return image
