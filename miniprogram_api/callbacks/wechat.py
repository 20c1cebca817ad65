"""WeChat's message push, in safe mode only: in plain mode the signature would not cover the body.

The mini-program and the official account are two apps: each has an address, a token and a key of its own.
"""

from datetime import datetime

from flask import Blueprint, Response, request

from app import clock
from app.errors import NotFound
from app.feedback.chat import hear
from app.identity.models import WECHAT_MINI
from app.messages.pushed import apply_official, apply_push
from app.providers.wechat.push import Push, PushReader
from web.guards import opened
from web.parts import parts

blueprint = Blueprint("wechat_push", __name__)
opened(blueprint, "WeChat has no token of ours; every call is signed, encrypted and fresh, or refused")


@blueprint.get("/callbacks/wechat")
def check_address() -> Response:
    """WeChat asks once whether this address is ours."""
    return _echo(parts().wechat_push)


@blueprint.get("/callbacks/wechat-official")
def check_official_address() -> Response:
    """The same of the official account."""
    return _echo(parts().official_push)


@blueprint.post("/callbacks/wechat")
def receive() -> Response:
    """Something happened on a member's phone. Answered at once; WeChat repeats what is not answered in 5 s."""
    now, here = clock.now(), parts()
    push = _read(here.wechat_push, now)
    app_id = here.settings.wechat_app_id or ""
    apply_push(push, provider=WECHAT_MINI, app_id=app_id, now=now)
    hear(push, provider=WECHAT_MINI, app_id=app_id, now=now)
    return _taken()


@blueprint.post("/callbacks/wechat-official")
def receive_official() -> Response:
    """Somebody follows the account, follows it no more, or a message did not get there. "success" is no reply."""
    now, here = clock.now(), parts()
    push = _read(here.official_push, now)
    apply_official(push, app_id=here.settings.official_app_id or "", vault=here.phones, now=now)
    return _taken()


def _echo(reader: PushReader | None) -> Response:
    if reader is None:
        raise NotFound
    query = request.args
    echo = reader.verify_url(
        query.get("signature", ""),
        query.get("timestamp", ""),
        query.get("nonce", ""),
        query.get("echostr", ""),
    )
    return Response(echo, content_type="text/plain")


def _read(reader: PushReader | None, now: datetime) -> Push:
    if reader is None:
        raise NotFound
    return reader.open_push(request.args, request.get_data(cache=False), now)


def _taken() -> Response:
    return Response("success", content_type="text/plain")
