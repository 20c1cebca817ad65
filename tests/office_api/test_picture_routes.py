"""Pictures over HTTP: what is taken, what is kept of it, who sees it, and what it stands beside."""

import io
import struct
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app import clock, pictures
from app.staff.roles import Grant
from office_api import pictures as office_pictures
from tests.actors import staff_token
from tests.conftest import rows
from tests.coupons import TEN_OFF, give, live_template
from tests.events import event, terms
from tests.pictures import RED, drawn
from tests.rewards import mugs
from tests.shop import Shop
from tests.web.test_authorisation_matrix import reward

WHITE = (255, 255, 255)


def pixel(content: bytes, at: tuple[int, int] = (5, 5)) -> Any:
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
        return picture.getpixel(at)


def near(seen: Any, wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True))


class Office:
    def __init__(self, shop: Shop, role: str = "admin", store_id: int | None = None) -> None:
        self.client: FlaskClient = shop.app.test_client()
        token = staff_token(shop.person(role, Grant(role, store_id)).id)
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, content: bytes, kind: str = "image/png", **options: Any) -> TestResponse:
        return self.client.post(
            "/office/v1/pictures", data=content, content_type=kind, headers=self.headers, **options
        )

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        return self.client.open(f"/office/v1{path}", method=method, headers=self.headers, **options)


@pytest.fixture
def office(shop: Shop) -> Office:
    return Office(shop)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_a_small_jpeg_that_anybody_sees(office: Office, kind: str) -> None:
    sent = office.send(drawn(kind, (3000, 1000)), f"image/{kind.lower()}")

    assert sent.status_code == 201, sent.text
    assert (sent.json["width"], sent.json["height"]) == (960, 320)
    assert sent.json["picture_url"] == f"/api/v1/pictures/{sent.json['id']}"
    seen = office.client.get(sent.json["picture_url"])
    assert (seen.status_code, seen.content_type) == (200, "image/jpeg")
    assert seen.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert seen.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert near(pixel(seen.data), RED)
    again = office.client.get(sent.json["picture_url"], headers={"If-None-Match": seen.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_same_picture_is_kept_once(office: Office, engine: Engine) -> None:
    ids = [office.send(drawn()).json["id"] for _ in range(2)]

    assert ids[0] == ids[1]
    assert rows(engine, "SELECT id FROM pictures") == [(ids[0],)]
    assert rows(engine, "SELECT action, object_id FROM audit_log WHERE object_type = 'picture'") == [
        ("picture.add", ids[0])
    ]


def test_where_a_photograph_was_taken_does_not_come_along(office: Office) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    exif[0x0112] = 6  # turned by a quarter
    exif.get_ifd(0x8825)[1] = "N"
    sent = office.send(drawn("JPEG", (40, 30), exif=exif, comment=b"SECRET NOTE"), "image/jpeg").json

    assert (sent["width"], sent["height"]) == (30, 40)
    content = office.client.get(sent["picture_url"]).data
    assert b"SECRET" not in content
    with Image.open(io.BytesIO(content)) as kept:
        assert not kept.getexif()


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (*RED, 0), WHITE),
        ("RGBA", (*RED, 255), RED),
        ("LA", (0, 0), WHITE),
        ("L", 0, (0, 0, 0)),
        ("1", 1, WHITE),
        ("I;16", 0, (0, 0, 0)),
    ],
)
def test_what_is_transparent_is_white(
    office: Office, mode: str, colour: Any, seen: tuple[int, int, int]
) -> None:
    sent = office.send(drawn(mode=mode, colour=colour)).json
    assert near(pixel(office.client.get(sent["picture_url"]).data), seen)


def gradient(mode: str) -> bytes:
    """From black to white, sixteen bits deep."""
    picture = Image.new(mode, (256, 4))
    picture.putdata([x * 257 for _ in range(4) for x in range(256)])
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_of_sixteen_bits_the_upper_ones_are_seen(office: Office) -> None:
    content = office.client.get(office.send(gradient("I;16")).json["picture_url"]).data
    assert [near(pixel(content, (x, 2)), (x, x, x)) for x in (0, 64, 128, 192, 255)] == [True] * 5


def told_by_a_camera(held: int) -> bytes:
    """How it was held, and text where a resolution and a place of colours are wanted, which is nobody's business."""
    entries = [
        (0x0112, 3, 1, held.to_bytes(4, "little")),
        (0x011A, 2, 3, b"72\0\0"),
        (0x0213, 2, 4, b"odd\0"),
    ]
    packed = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("held", range(1, 9))
def test_photographs_stand_upright(office: Office, held: int) -> None:
    """A black corner, at the left above when it is seen as the camera was held."""
    upright = Image.new("RGB", (64, 32), "white")
    upright.paste((0, 0, 0), (0, 0, 16, 16))
    lying = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    for turn in lying.get(held, []):
        upright = upright.transpose(turn)
    out = io.BytesIO()
    upright.save(out, "JPEG", exif=told_by_a_camera(held), quality=95)
    sent = office.send(out.getvalue(), "image/jpeg").json

    assert (sent["width"], sent["height"]) == (64, 32)
    content = office.client.get(sent["picture_url"]).data
    assert near(pixel(content, (5, 5)), (0, 0, 0))
    assert near(pixel(content, (58, 27)), (255, 255, 255))


def scans(count: int) -> bytes:
    """A small JPEG that is drawn so many times over."""
    content = drawn("JPEG", (512, 512), progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * count + content[-2:]


def profiles(count: int) -> bytes:
    content = drawn(icc_profile=b"x" * 3000)
    at = content.index(b"iCCP") - 4
    end = at + 12 + int.from_bytes(content[at : at + 4])
    return content[:at] + content[at:end] * count + content[end:]


PNG = drawn()
HUGE = drawn("PNG", (5000, 2501), 0, "1")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code", "detail"),
    [
        (b"", "image/png", 422, "picture_malformed", "the file is broken"),
        (b"<svg onload='alert(1)'/>", "image/png", 422, "picture_malformed", "the file is broken"),
        (PNG[:60], "image/png", 422, "picture_malformed", "the file is broken"),
        (PNG[:40] + b"\0\0\0\0" + PNG[44:], "image/png", 422, "picture_malformed", "the file is broken"),
        (drawn("GIF"), "image/png", 422, "picture_malformed", "the file is broken"),
        (HUGE, "image/png", 422, "picture_malformed", "12.5 million"),
        (drawn("PNG", (12_001, 1)), "image/png", 422, "picture_malformed", "12.5 million"),
        (scans(100), "image/jpeg", 422, "picture_malformed", "the file is broken"),
        (profiles(9), "image/png", 422, "picture_malformed", "the file is broken"),
        (PNG, "image/svg+xml", 422, "picture_malformed", "Content-Type"),
        (PNG, "multipart/form-data; boundary=x", 422, "picture_malformed", "Content-Type"),
        (PNG, "text/plain", 422, "picture_malformed", "Content-Type"),
        (PNG + b"\0" * (pictures.MOST_BYTES - len(PNG)), "image/png", 413, "body_too_large", ""),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_kept(
    office: Office, engine: Engine, content: bytes, kind: str, status: int, code: str, detail: str
) -> None:
    office.headers["Accept-Language"] = "en"
    refused = office.send(content, kind)

    assert (refused.status_code, refused.json["code"]) == (status, code), refused.text
    assert detail in refused.json["detail"]
    assert rows(engine, "SELECT count(*) FROM pictures") == [(0,)]


def test_cameras_scans_and_profiles_are_taken(office: Office) -> None:
    assert office.send(scans(20), "image/jpeg").status_code == 201
    assert office.send(profiles(1)).status_code == 201


def test_what_takes_too_long_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_PATIENCE_S", 0)
    assert office.send(PNG).json["code"] == "picture_malformed"
    monkeypatch.undo()
    assert office.send(PNG).status_code == 201


def test_one_in_chunks_is_not_cut_off(office: Office) -> None:
    whole = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    sent = {"wsgi.input": io.BytesIO(PNG), **whole}
    assert office.send(b"", environ_overrides=sent).status_code == 201
    sent = {"wsgi.input": io.BytesIO(PNG + b"\0" * pictures.MOST_BYTES), **whole}
    assert office.send(b"", environ_overrides=sent).status_code == 413


def test_while_another_is_made_small_one_is_told_to_come_back(office: Office, engine: Engine) -> None:
    with pictures._one_at_a_time.one():
        told = office.send(PNG)
    assert (told.status_code, told.json["code"], told.headers["Retry-After"]) == (409, "busy", "1")
    assert rows(engine, "SELECT count(*) FROM pictures") == [(0,)]
    assert office.send(PNG).status_code == 201


def test_who_may_send_one_and_how_often(shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_pictures, "UPLOADS", replace(office_pictures.UPLOADS, amount=4))
    assert Office(shop, "clerk", shop.store.id).send(PNG).status_code == 403
    assert Office(shop, "marketer", shop.store.id).send(PNG).status_code == 201
    office.headers = {}
    assert office.send(PNG).status_code == 401
    busy = Office(shop, "manager", shop.store.id)
    seen = [busy.send(PNG).status_code for _ in range(5)]
    assert (seen[:2], seen[-1]) == ([201, 201], 429)


def test_one_that_is_taken_away_is_nowhere(office: Office, engine: Engine) -> None:
    sent = office.send(PNG).json

    assert office.call("DELETE", f"/pictures/{sent['id']}").status_code == 204
    assert office.client.get(sent["picture_url"]).status_code == 404
    assert office.call("DELETE", f"/pictures/{sent['id']}").status_code == 404
    assert office.send(PNG).json["id"] == sent["id"]
    assert rows(engine, "SELECT action FROM audit_log WHERE object_type = 'picture' ORDER BY id") == [
        ("picture.add",),
        ("picture.remove",),
        ("picture.add",),
    ]


COUPON = {"face": TEN_OFF, "terms": {}}
TASTING = {"store": "S001", "title_zh": "品鉴会", "title_en": "Tasting"}


def with_picture(path: str, picture_id: str | None) -> dict[str, Any]:
    if path == "/coupon-templates":
        return {**COUPON, "face": {**TEN_OFF, "picture_id": picture_id}}
    return {**(reward() if path == "/reward-items" else TASTING), "picture_id": picture_id}


@pytest.mark.parametrize("path", ["/reward-items", "/coupon-templates", "/events"])
def test_what_is_offered_has_a_picture_that_is_there(office: Office, path: str) -> None:
    sent = office.send(PNG).json
    refused = office.call("POST", path, json=with_picture(path, "0" * 32))
    assert refused.json["reason"] == "picture_id: there is no such picture"
    for wrong in ("A" * 32, "no id", ""):
        refused = office.call("POST", path, json=with_picture(path, wrong))
        assert (refused.status_code, refused.json["code"]) == (422, "validation_failed"), refused.text
    made = office.call("POST", path, json=with_picture(path, sent["id"])).json
    told = made.get("face", made)
    assert told["picture_id"] == sent["id"]
    without = office.call(
        "PUT", f"{path}/{made['id']}", json=with_picture(path, None) | {"version": made["version"]}
    )
    assert (without.status_code, sent["id"] in without.text) == (200, False), without.text
    again = with_picture(path, sent["id"]) | {"version": without.json["version"]}
    assert office.call("PUT", f"{path}/{made['id']}", json=again).status_code == 200
    assert office.call("DELETE", f"/pictures/{sent['id']}").status_code == 204
    # What had it is changed without a word about it, and others cannot have it any more.
    kept = office.call("PUT", f"{path}/{made['id']}", json=again | {"version": again["version"] + 1})
    assert kept.status_code == 200, kept.text
    assert office.call("POST", path, json=with_picture(path, sent["id"])).status_code == 422


def test_members_are_told_where_to_see_them(shop: Shop, office: Office) -> None:
    sent, phone = office.send(PNG).json, shop.member()
    pictured = {"picture_id": sent["id"]}
    mugs(shop, **pictured)
    event(shop, terms(), **pictured)
    of_a_coupon = live_template(clock.now(), terms={"in_centre": True}, **pictured)
    give(of_a_coupon, phone.member_id, clock.now())

    for path in ("/rewards", "/events", "/coupons", "/coupon-centre"):
        [one] = phone.get(path).json["items"]
        assert one["picture_url"] == sent["picture_url"], path
