"""Member codes: the 20 digits a phone shows and a till scans. Text in, text out.

Standard library only, no clock, no database. `scan_codes.picture` draws and is imported by name,
because it alone needs `qrcode` and `pypng`. How a code is built and what it resists: docs/scan.md.
"""

from scan_codes.errors import (
    CodeExpired,
    CodeForged,
    CodeMalformed,
    CodeNotYet,
    CodeRevoked,
    KeyRingError,
    PaymentCode,
    ScanCodeError,
)
from scan_codes.issuing import PACK_MAX, issue, pack
from scan_codes.keys import Key, KeyRing
from scan_codes.layout import CODE_LENGTH, DEFAULT_PREFIX, begins_with, check_prefix, is_payment_code
from scan_codes.permutation import MEMBER_NO_MAX
from scan_codes.steps import (
    DEFAULT_WINDOW,
    STEP_S,
    Window,
    refresh_in_s,
    step_of,
    step_starts_at,
    valid_from,
    valid_until,
)
from scan_codes.verifying import Verified, verify

__all__ = [
    "CODE_LENGTH",
    "DEFAULT_PREFIX",
    "DEFAULT_WINDOW",
    "MEMBER_NO_MAX",
    "PACK_MAX",
    "STEP_S",
    "CodeExpired",
    "CodeForged",
    "CodeMalformed",
    "CodeNotYet",
    "CodeRevoked",
    "Key",
    "KeyRing",
    "KeyRingError",
    "PaymentCode",
    "ScanCodeError",
    "Verified",
    "Window",
    "begins_with",
    "check_prefix",
    "is_payment_code",
    "issue",
    "pack",
    "refresh_in_s",
    "step_of",
    "step_starts_at",
    "valid_from",
    "valid_until",
    "verify",
]
