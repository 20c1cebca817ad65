"""What WeChat Pay calls us with: believed, opened, and brought into one shape.

In order: size, the five headers (an unknown serial ends it here), age, only then the library: signature, JSON,
decryption. A caller learns nothing about which step failed. Repetitions are normal, and the business sees to them.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.errors import Invalid
from app.providers.wechat_pay.library import Library
from app.providers.wechat_pay.merchant import Merchant
from app.providers.wechat_pay.reading import read_notified_refund, read_order
from app.providers.wechat_pay.results import Payment, RefundResult
from app.providers.wechat_pay.signatures import Doubt, check_headers

log = logging.getLogger(__name__)

MAX_NOTIFICATION_BYTES: Final = 64 * 1024
_PAID: Final = "TRANSACTION.SUCCESS"
_REFUNDS: Final = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})


class NotificationRejected(Invalid):
    """Answer it with a 4xx: WeChat Pay then comes again, for a day, and we may ask by `query` as well."""

    code = "notification_rejected"


class NotificationReader:
    """For one merchant. Raises `ValueError` for keys that are none."""

    def __init__(self, merchant: Merchant, library: Library) -> None:
        self._merchant = merchant
        self._library = library

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Payment | RefundResult:
        """Raises `NotificationRejected`."""
        try:
            return self._result(self._opened(headers, body, now))
        except Doubt as doubt:
            why = str(doubt)
        log.warning("wechat pay notification rejected: %s", why)
        raise NotificationRejected

    def _opened(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        if len(body) > MAX_NOTIFICATION_BYTES:
            raise Doubt("too large")
        signed = check_headers(headers, known=self._merchant.public_keys, now=now)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Doubt("not UTF-8") from None
        opened = self._library.open_notification(signed, text)
        if opened is None:
            raise Doubt("signature or contents")
        return opened

    def _result(self, notification: Mapping[str, Any]) -> Payment | RefundResult:
        event, resource = notification.get("event_type"), notification.get("resource")
        if not isinstance(resource, dict):
            raise Doubt("resource")
        if event == _PAID:
            order = read_order(resource, self._merchant)
            if not isinstance(order, Payment):
                raise Doubt("not paid")
            return order
        if event in _REFUNDS:
            return read_notified_refund(resource, self._merchant)
        raise Doubt("event type")
