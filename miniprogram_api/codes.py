"""The member code: digits, a supply for a phone without network, pictures."""

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout.member_code import ShownCode, current, renew, supply
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member
from scan_codes import picture
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.parts import parts
from web.schemas import Strict, flag, whole

blueprint = Blueprint("codes", __name__, url_prefix="/api/v1/me/code", description="The member code")
guarded(blueprint, require_member)

#: A phone asks every 30 s and, while the page is open, looks every 5 s whether its code was used; two phones of one
#: member, or opening and closing the page a few times, must not run into the limit.
PER_MEMBER = Limit("codes", 40, 60)
PACK_MOST = 20


class AskSchema(Strict):
    renew = flag(load_default=False)


class CodeSchema(Strict):
    code = fields.String(required=True, validate=validate.Length(equal=20))
    server_time = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)
    refresh_in = fields.Integer(required=True, metadata={"description": "seconds"})


@blueprint.post("")
@blueprint.arguments(AskSchema())
@blueprint.response(200, CodeSchema())
@blueprint.doc(security=MEMBER)
def show(arguments: dict[str, Any]) -> Response:
    """The code to show now. `renew` withdraws the one on the screen and hands out the next."""
    now, here = clock.now(), parts()
    here.throttle.hit(PER_MEMBER, me().id)
    hand_out = renew if arguments["renew"] else current
    shown = hand_out(issuer=here.issuer, member_id=me().id, now=now)
    return answer(
        {
            "code": shown.code,
            "server_time": now,
            "valid_until": shown.valid_until,
            "refresh_in": shown.refresh_in_s,
        }
    )


class PackAskSchema(Strict):
    count = whole(1, PACK_MOST, load_default=PACK_MOST)


class PackedCodeSchema(Strict):
    code = fields.String(required=True, validate=validate.Length(equal=20))
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)


class PackSchema(Strict):
    server_time = fields.AwareDateTime(required=True)
    codes = fields.List(fields.Nested(PackedCodeSchema()), required=True)


def _dump_packed(code: ShownCode) -> dict[str, Any]:
    return {"code": code.code, "valid_from": code.valid_from, "valid_until": code.valid_until}


@blueprint.post("/pack")
@blueprint.arguments(PackAskSchema())
@blueprint.response(200, PackSchema())
@blueprint.doc(security=MEMBER)
def pack(arguments: dict[str, Any]) -> Response:
    """The codes of the next minutes, for a phone that may lose its network."""
    now, here = clock.now(), parts()
    here.throttle.hit(PER_MEMBER, me().id)
    codes = supply(issuer=here.issuer, member_id=me().id, count=arguments["count"], now=now)
    return answer({"server_time": now, "codes": [_dump_packed(code) for code in codes]})


class ImageAskSchema(Strict):
    symbology = fields.String(load_default="qr", validate=validate.OneOf(("qr", "code128")))
    format = fields.String(load_default="svg", validate=validate.OneOf(("svg", "png")))


_DRAW: dict[tuple[str, str], Callable[[str], str | bytes]] = {
    ("qr", "svg"): picture.qr_svg,
    ("qr", "png"): picture.qr_png,
    ("code128", "svg"): picture.code128_svg,
    ("code128", "png"): picture.code128_png,
}
_TYPE = {"svg": "image/svg+xml", "png": "image/png"}


@blueprint.get("/image")
@blueprint.arguments(ImageAskSchema(), location="query")
@blueprint.doc(
    security=MEMBER,
    responses={
        "200": {
            "description": "the picture; never stored by caches",
            "content": {
                "image/svg+xml": {"schema": {"type": "string"}},
                "image/png": {"schema": {"type": "string"}},
            },
        }
    },
)
def image(arguments: dict[str, Any]) -> Response:
    """The caller's current code, drawn. The code itself stands in no address."""
    here = parts()
    here.throttle.hit(PER_MEMBER, me().id)
    shown = current(issuer=here.issuer, member_id=me().id, now=clock.now())
    drawn = _DRAW[arguments["symbology"], arguments["format"]](shown.code)
    return Response(drawn, content_type=_TYPE[arguments["format"]], headers={"Cache-Control": "no-store"})
