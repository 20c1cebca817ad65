"""The official account's message push, in safe mode only, with a token and a key of its own."""

from flask import Blueprint, Response, request

from app import clock
from app.errors import NotFound
from app.messages.pushed import apply_official
from app.providers.wechat.push import PushReader
from web.guards import opened
from web.parts import parts

blueprint = Blueprint("wechat_official_push", __name__)
opened(blueprint, "WeChat has no token of ours; every call is signed, encrypted and fresh, or refused")


def _reader() -> PushReader:
    reader = parts().official_push
    if reader is None:
        raise NotFound
    return reader


@blueprint.get("/callbacks/wechat-official")
def check_address() -> Response:
    """WeChat asks once whether this address is ours."""
    query = request.args
    echo = _reader().verify_url(
        query.get("signature", ""),
        query.get("timestamp", ""),
        query.get("nonce", ""),
        query.get("echostr", ""),
    )
    return Response(echo, content_type="text/plain")


@blueprint.post("/callbacks/wechat-official")
def receive() -> Response:
    """Somebody follows the account, follows it no more, or a message did not get there. "success" is no reply."""
    now, here = clock.now(), parts()
    push = _reader().open_push(request.args, request.get_data(cache=False), now)
    apply_official(push, app_id=here.settings.official_app_id or "", vault=here.phones, now=now)
    return Response("success", content_type="text/plain")
