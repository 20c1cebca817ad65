"""The 20 digits `PP K UUUUUUUUU MMMMMMM C`: putting them together and taking them apart.

PP prefix · K key id · U alias of the member number · M authentication tag · C check digit.
"""

import re
from dataclasses import dataclass

from scan_codes.damm import check_digit, is_intact
from scan_codes.errors import CodeMalformed, PaymentCode
from scan_codes.mac import TAG_LENGTH

CODE_LENGTH = 20
DEFAULT_PREFIX = "90"
_ALIAS_LENGTH = 9
_ALIAS_AT = 3
_TAG_AT = _ALIAS_AT + _ALIAS_LENGTH

# The longest text worth a look: 20 digits, a separator after each, what a scanner adds around them.
_TEXT_MAX = 64
# What scanners put around the digits: CR, LF or Tab as suffix, GS (0x1D) for the GS1 FNC1 sign.
_SCANNER_PADDING = " \t\r\n\x1d"
# Typed codes come in groups, as the phone shows them. ASCII digits only: `str.isdigit` and `\d` also
# take full-width and Arabic digits, which would give one code many spellings.
_GROUPED_DIGITS = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_ALIPAY_FACE_CODE = re.compile(r"fp[0-9A-Za-z]{33}")

_WECHAT_PAY_STARTS = tuple(str(start) for start in range(10, 16))
_ALIPAY_STARTS = tuple(str(start) for start in range(25, 31))
_UNIONPAY_START = "62"
_PAYMENT_STARTS = (*_WECHAT_PAY_STARTS, *_ALIPAY_STARTS, _UNIONPAY_START)
# Not below 10: spreadsheets and number fields drop a leading zero.
_PREFIXES = frozenset(str(start) for start in range(10, 100)) - frozenset(_PAYMENT_STARTS)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a well-formed code says before anything is proven."""

    kid: int
    alias: int
    tag: str


def check_prefix(prefix: str) -> str:
    """Return the prefix if codes may start with it; raises ValueError if not.

    Two digits, the first not 0, and none that a payment code starts with (10–15, 25–30, 62).
    """
    if prefix not in _PREFIXES:
        raise ValueError("a prefix is two digits from 10 to 99, but not 10–15, 25–30 or 62 (payment codes)")
    return prefix


def is_payment_code(text: str) -> bool:
    """Whether the text looks like someone's payment code, which must never be stored or logged.

    WeChat Pay: 18 digits from 10–15. Alipay: 16–24 digits from 25–30, or 35 characters from `fp`
    (paying by face). UnionPay: 19 digits from 62. As published for merchants by each of them.
    """
    if len(text) > _TEXT_MAX:
        return False
    trimmed = text.strip(_SCANNER_PADDING)
    return _ALIPAY_FACE_CODE.fullmatch(trimmed) is not None or _are_payment_digits(_ungroup(trimmed))


def begins_with(text: str, prefix: str) -> bool:
    """Whether the digits in a scanned or typed text begin so; tells nothing else of it."""
    return len(text) <= _TEXT_MAX and _ungroup(text.strip(_SCANNER_PADDING)).startswith(prefix)


def compose(prefix: str, kid: int, alias: int, tag: str) -> str:
    """The 20 digits of a code."""
    body = f"{prefix}{kid}{alias:0{_ALIAS_LENGTH}d}{tag}"
    return body + check_digit(body)


def read_parts(text: str, prefix: str) -> Parts:
    """Take a scanned or typed text apart.

    Raises PaymentCode for a payment code and CodeMalformed for all else that is not of our shape.
    The length comes first: a megabyte of text costs no more than a word.
    """
    if len(text) > _TEXT_MAX:
        raise CodeMalformed
    if is_payment_code(text):
        raise PaymentCode
    digits = _ungroup(text.strip(_SCANNER_PADDING))
    if len(digits) != CODE_LENGTH or not digits.startswith(prefix) or not is_intact(digits):
        raise CodeMalformed
    return Parts(
        kid=int(digits[len(prefix)]),
        alias=int(digits[_ALIAS_AT:_TAG_AT]),
        tag=digits[_TAG_AT : _TAG_AT + TAG_LENGTH],
    )


def _ungroup(text: str) -> str:
    """The digits without the single spaces or hyphens between groups; empty if anything else is there."""
    if _GROUPED_DIGITS.fullmatch(text) is None:
        return ""
    return text.replace(" ", "").replace("-", "")


def _are_payment_digits(digits: str) -> bool:
    length = len(digits)
    return (
        (length == 18 and digits.startswith(_WECHAT_PAY_STARTS))
        or (16 <= length <= 24 and digits.startswith(_ALIPAY_STARTS))
        or (length == 19 and digits.startswith(_UNIONPAY_START))
    )
