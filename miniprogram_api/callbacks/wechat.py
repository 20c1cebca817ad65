"""WeChat's message push, in safe mode only: in plain mode the signature would not cover the body."""

from flask import Blueprint, Response, request

from app import clock
from app.errors import NotFound
from app.feedback.chat import hear
from app.identity.models import WECHAT_MINI
from app.messages.pushed import apply_push
from app.providers.wechat.push import PushReader
from web.guards import opened
from web.parts import parts

blueprint = Blueprint("wechat_push", __name__)
opened(blueprint, "WeChat has no token of ours; every call is signed, encrypted and fresh, or refused")


def _reader() -> PushReader:
    reader = parts().wechat_push
    if reader is None:
        raise NotFound
    return reader


@blueprint.get("/callbacks/wechat")
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


@blueprint.post("/callbacks/wechat")
def receive() -> Response:
    """Something happened on a member's phone. Answered at once; WeChat repeats what is not answered in 5 s."""
    now, here = clock.now(), parts()
    push = _reader().open_push(request.args, request.get_data(cache=False), now)
    app_id = here.settings.wechat_app_id or ""
    apply_push(push, provider=WECHAT_MINI, app_id=app_id, now=now)
    hear(push, provider=WECHAT_MINI, app_id=app_id, now=now)
    return Response("success", content_type="text/plain")
