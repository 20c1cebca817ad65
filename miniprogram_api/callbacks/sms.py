"""What phones answer to our SMS, reported by Tencent Cloud. It signs nothing: the address is the secret."""

import hmac

from flask import Blueprint, Response, jsonify, request

from app import clock
from app.errors import NotFound
from app.messages.sms_replies import apply_replies
from app.providers.sms import replies_in
from web.guards import opened
from web.parts import parts

blueprint = Blueprint("sms_replies", __name__)
opened(
    blueprint, "Tencent Cloud has no token of ours and signs nothing; who does not know the address gets 404"
)


@blueprint.post("/callbacks/sms/<token>")
def receive(token: str) -> Response:
    """Somebody answered. It is reported again until the answer is `result` 0; twice changes nothing more."""
    here = parts()
    known = here.settings.sms_callback_token
    if known is None or not hmac.compare_digest(known.encode(), token.encode()):
        raise NotFound
    apply_replies(replies_in(request.get_data(cache=False)), phones=here.phones, now=clock.now())
    return jsonify(result=0, errmsg="OK")
