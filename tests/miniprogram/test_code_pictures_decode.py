"""The mini-program's own pictures of a code, read back by an independent decoder."""

import base64
import io
import json
import random

import zxingcpp
from PIL import Image

from tests.miniprogram.preview_tools import ROOT, NodeRun

DRAW = """
const { qrImage, barImage } = require(process.argv[1]);
const codes = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify(codes.map((code) => [qrImage(code), barImage(code)])));
"""


def _read(data_url: str) -> list[tuple[str, str]]:
    picture = Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2])))
    return [(found.format.name, found.text) for found in zxingcpp.read_barcodes(picture.convert("L"))]


def test_both_pictures_of_any_code_read_back_as_its_digits(node: NodeRun) -> None:
    every_pair = ["".join(f"{pair:02d}" for pair in range(ten, ten + 10)) for ten in range(0, 100, 10)]
    chance = random.Random(128)
    codes = every_pair + [f"90{chance.randrange(10**18):018d}" for _ in range(60)]

    drawn = json.loads(node("-e", DRAW, ROOT / "miniprogram/utils/code_image.js", json.dumps(codes)).stdout)

    for code, (qr, bar) in zip(codes, drawn, strict=True):
        assert _read(qr) == [("QRCode", code)]
        assert _read(bar) == [("Code128", code)]
