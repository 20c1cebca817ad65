"""Asking WeChat Pay to pay back, with a number that is the same at every try: whatever answer is lost, it goes once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat_pay import RefundResult, WechatPay
from app.providers.wechat_pay.errors import Misconfigured, NotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """`accepted`: WeChat Pay has taken it on before. The payer reads `reason`; `word` names it in the log."""

    number: str
    refund_no: str
    amount_fen: int
    total_fen: int
    accepted: bool
    reason: str
    word: str


def settle(
    pay: WechatPay,
    asking: Asking,
    *,
    tell: Callable[[RefundResult], None],
    note: Callable[[str], None],
    give_up: Callable[[], None] | None = None,
) -> bool:
    """Ask, and `tell` what WeChat Pay says; False when it does not say, which is noted.

    `give_up` is called when it was refused for good and WeChat Pay does not know it; without, that is noted too.
    Raises as `tell`.
    """
    try:
        tell(_answer(pay, asking, note))
    except (ProviderRefused, ProviderUnavailable) as error:
        if give_up is not None and isinstance(error, NotFound):
            give_up()
            return True
        level = logging.ERROR if isinstance(error, ProviderRefused) else logging.WARNING
        log.log(level, "%s %s: %s", asking.word, asking.refund_no, error)
        note(error.reason)
        return False
    return True


def _answer(pay: WechatPay, asking: Asking, note: Callable[[str], None]) -> RefundResult:
    """How it stands there. Raises `NotFound` alone when it was refused for good and WeChat Pay does not know it."""
    if asking.accepted:
        try:
            return pay.query_refund(asking.refund_no)
        except NotFound as error:
            raise Misconfigured(provider_code=error.provider_code, rid=error.rid) from error
    try:
        return pay.refund(
            out_trade_no=asking.number,
            out_refund_no=asking.refund_no,
            amount_fen=asking.amount_fen,
            total_fen=asking.total_fen,
            reason=asking.reason,
        )
    except Misconfigured:
        raise
    except ProviderRefused as error:
        log.error("%s %s: refused: %s", asking.word, asking.refund_no, error)
        note(error.reason)
        # An earlier try, whose answer was lost, may have been accepted: what is there counts, not this no.
        return pay.query_refund(asking.refund_no)
