"""What WeChat Pay tells of payments and refunds. Believed only with its signature, fresh, about our own app."""

from flask import Blueprint, Response, request

from app import clock
from app.checkout import refund_exchange, refund_wechat_top_up, settle_exchange, settle_top_up
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
        story = settle_exchange if settle_exchange.is_ours(told.out_trade_no) else settle_top_up
        story.confirm(told, now=now)
    elif settle_exchange.is_ours(told.out_trade_no):
        refund_exchange.told(told, now=now)
    else:
        refund_wechat_top_up.told(told, now=now)
    return nothing()
