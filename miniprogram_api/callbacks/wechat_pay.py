"""What WeChat Pay tells of payments and refunds. Believed only with its signature, fresh, about our own app."""

from flask import Blueprint, Response, request

from app import clock
from app.checkout.refund_wechat_top_up import told as refund_told
from app.checkout.settle_top_up import confirm
from app.errors import NotFound
from app.providers.wechat_pay import Payment
from web.answers import nothing
from web.guards import opened
from web.parts import parts

blueprint = Blueprint("wechat_pay_notifications", __name__)
opened(
    blueprint, "WeChat Pay has no token of ours; every notification is signed, sealed and fresh, or refused"
)


@blueprint.post("/callbacks/wechat-pay")
def receive() -> Response:
    """Written down before it is answered: 204 says that it need not come again. Else it comes for a day."""
    pay = parts().wechat_pay
    if pay is None:
        raise NotFound
    now = clock.now()
    told = pay.read_notification(dict(request.headers), request.get_data(cache=False), now)
    if isinstance(told, Payment):
        confirm(told, now=now)
    else:
        refund_told(told, now=now)
    return nothing()
