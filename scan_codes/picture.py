"""Member codes as pictures: QR and Code 128, each as SVG or PNG.

The one module that needs third-party packages (`qrcode`, and `pypng` for PNG files). The SVG has no style
attribute, no script and no text, so it can stand in a page with a strict content security policy.
The picture is as secret as the code: send it with `Cache-Control: no-store`.
"""

import io
from collections.abc import Sequence

import png
import qrcode
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import MODE_NUMBER, QRData

from scan_codes.barcode import code128_modules

_QR_VERSION = 1  # 21 × 21 modules, the smallest and quickest to read
_QR_DIGITS_MAX = 27  # of version 1 at level Q, which survives damage of a quarter of the picture
_QR_QUIET_ZONE_MODULES = 4
_BAR_HEIGHT_MODULES = 40
_MODULE_MAX_PX = 40

_Rows = Sequence[Sequence[bool]]


def qr_svg(digits: str) -> str:
    """The digits as QR code. Scales to the space it is given. Raises ValueError for non-digits or over 27."""
    return _svg(_qr_rows(digits))


def qr_png(digits: str, *, module_px: int = 8) -> bytes:
    """The digits as QR code, 29 × `module_px` pixels wide and high. Raises ValueError as `qr_svg`."""
    return _png(_qr_rows(digits), module_px)


def code128_svg(digits: str) -> str:
    """The digits as bar code. Raises ValueError as `code128_modules`."""
    return _svg([_bars(digits)], row_height=_BAR_HEIGHT_MODULES)


def code128_png(digits: str, *, module_px: int = 3) -> bytes:
    """The digits as bar code; 20 digits are 165 × `module_px` pixels wide. Raises as `code128_modules`."""
    return _png([_bars(digits)] * _BAR_HEIGHT_MODULES, module_px)


def _qr_rows(digits: str) -> _Rows:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _QR_DIGITS_MAX):
        raise ValueError(f"the QR code takes 1 to {_QR_DIGITS_MAX} digits")
    code = qrcode.QRCode(version=_QR_VERSION, error_correction=ERROR_CORRECT_Q, border=_QR_QUIET_ZONE_MODULES)
    code.add_data(QRData(digits, mode=MODE_NUMBER))
    code.make(fit=False)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def _bars(digits: str) -> Sequence[bool]:
    return [module == "1" for module in code128_modules(digits)]


def _svg(rows: _Rows, *, row_height: int = 1) -> str:
    width, height = len(rows[0]), len(rows) * row_height
    dark = "".join(
        f"M{start} {y * row_height}h{length}v{row_height}h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _dark_runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v{height}H0z"/><path fill="#000" d="{dark}"/></svg>'
    )


def _dark_runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    runs: list[tuple[int, int]] = []
    start = None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            runs.append((start, x - start))
            start = None
    return runs


def _png(rows: _Rows, module_px: int) -> bytes:
    if not 1 <= module_px <= _MODULE_MAX_PX:
        raise ValueError(f"a module takes 1 to {_MODULE_MAX_PX} pixels")
    lines = [line for row in rows for line in [_packed_line(row, module_px)] * module_px]
    file = io.BytesIO()
    writer = png.Writer(width=len(rows[0]) * module_px, height=len(lines), greyscale=True, bitdepth=1)
    writer.write_packed(file, lines)
    return file.getvalue()


def _packed_line(row: Sequence[bool], module_px: int) -> bytes:
    """One line of pixels, eight to a byte; white is 1, and the last byte is filled up with zeros."""
    bits = "".join(("0" if dark else "1") * module_px for dark in row)
    length_bytes = (len(bits) + 7) // 8
    return int(bits.ljust(length_bytes * 8, "0"), 2).to_bytes(length_bytes, "big")
