"""Reading what a form brought: bounded, printable, an amount to the fen, a key for one effect."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import datetime

import orjson
from flask import request

from app import idempotency
from app.clock import zone
from app.errors import Invalid
from app.stores.tills import Till
from web.parts import parts
from web.schemas import MOST_FEN

LONGEST_RECEIPT_NO = 40
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_AMOUNT = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,2}))?")
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class FieldRefused(Invalid):
    """A field the page itself would not have sent so."""

    code = "validation_failed"


class AmountRefused(ValueError):
    """Not an amount in yuan with at most two decimals, or too large."""


def field(name: str, longest: int) -> str:
    """The trimmed text of a field, empty if it was not sent. Raises `FieldRefused`."""
    value = request.form.get(name, "").strip()
    if len(value) > longest or not value.isprintable():
        raise FieldRefused
    return value


def fen_of(text: str) -> int:
    """Yuan as people type them, in fen: 12, 12.5, 12.50, ¥12. Integers all the way, so nothing is rounded.

    What a Chinese input method makes of digits and of the point is understood. Raises `AmountRefused`.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").strip().removeprefix("¥").strip()
    found = _AMOUNT.fullmatch(plain)
    if found is None:
        raise AmountRefused
    fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if fen > MOST_FEN:
        raise AmountRefused
    return fen


def new_key() -> str:
    """For a hidden field: made when the form is, so that sending the form twice has one effect."""
    return secrets.token_urlsafe(18)


def key_field(name: str) -> str:
    """Raises `FieldRefused`."""
    key = field(name, 64)
    if not _KEY.fullmatch(key):
        raise FieldRefused
    return key


def scan_request(till: Till, form_key: str, code: str) -> idempotency.Request:
    """One effect for this form and this code: the next code scanned into the same form is another request."""
    mark = hmac.digest(parts().settings.session_key, b"till scan|" + code.encode(), "sha256").hex()[:24]
    return _request(till, f"page-scan-{form_key}-{mark}", {"code": mark})


def sale_request(till: Till, form_key: str, arguments: object) -> idempotency.Request:
    """One effect for this form: a changed amount under the same key is refused, not sold a second time."""
    return _request(till, f"page-sale-{form_key}", arguments)


def coupon_request(till: Till, form_key: str, arguments: object) -> idempotency.Request:
    """One effect for this form: a second tap is no second use."""
    return _request(till, f"page-coupon-{form_key}", arguments)


def give_request(till: Till, form_key: str, ticket: str, template_id: str) -> idempotency.Request:
    """One effect for this form and this template: a second tap gives no second coupon."""
    arguments = {"give": template_id, "ticket": ticket}
    return _request(till, f"page-give-{form_key}-{template_id}", arguments)


def hand_over_request(till: Till, form_key: str, order_id: str) -> idempotency.Request:
    """One effect for this form, which is about one reward."""
    return _request(till, f"page-hand-over-{form_key}-{order_id}", {"order_id": order_id})


def check_in_request(till: Till, form_key: str, booking_id: str) -> idempotency.Request:
    """One effect for this form, which is about one booking."""
    return _request(till, f"page-check-in-{form_key}-{booking_id}", {"booking_id": booking_id})


def _request(till: Till, key: str, arguments: object) -> idempotency.Request:
    asked = orjson.dumps([request.method, request.path, arguments], option=orjson.OPT_SORT_KEYS)
    return idempotency.Request(
        scope=f"terminal:{till.terminal_id}", key=key, hash=hashlib.sha256(asked).digest()
    )


def suggested_receipt_no(terminal_code: str, time_zone: str, now: datetime) -> str:
    """Till, local date and time, two random characters: unique without asking, and readable on paper."""
    local = now.astimezone(zone(time_zone))
    mark = "".join(secrets.choice(_LETTERS) for _ in range(2))
    return f"{terminal_code[:16]}-{local:%y%m%d-%H%M%S}-{mark}"
