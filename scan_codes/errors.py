"""Why a scanned text is not a member code we accept.

ScanCodeError
├── CodeMalformed   code_malformed   not 20 ASCII digits with our prefix and a fitting check digit
├── PaymentCode     payment_code     a WeChat Pay, Alipay or UnionPay code, shown by mistake
├── CodeRevoked     code_revoked     its key id is not, or no longer, in the key ring
├── CodeForged      code_forged      the authentication tag fits no step near now
├── CodeExpired     code_expired     genuine, but its time is over
└── CodeNotYet      code_not_yet     genuine, but its time has not come

KeyRingError (a ValueError): the setting that holds the keys cannot be used.

The message is fixed for each class. No instance carries the scanned text or a member number, so
whatever logs the error cannot leak a live code or somebody's payment code.
"""

from typing import ClassVar


class ScanCodeError(Exception):
    """Any reason to refuse a scanned text. `code` is stable: interfaces may show it."""

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.message)


class CodeMalformed(ScanCodeError):
    """Wrong length, characters, prefix or check digit. Most often a typing or reading mistake."""

    code = "code_malformed"
    message = "this is not a member code"


class PaymentCode(ScanCodeError):
    """Someone's payment code: worth money for about a minute, so never keep or log the text."""

    code = "payment_code"
    message = "this is a payment code, not a member code"


class CodeRevoked(ScanCodeError):
    """The key id in the code is unknown or was withdrawn."""

    code = "code_revoked"
    message = "key id withdrawn"


class CodeForged(ScanCodeError):
    """No step within reach gives this tag: invented, altered, or older than the look-back."""

    code = "code_forged"
    message = "the code is not genuine"


class CodeExpired(ScanCodeError):
    """Genuine, from a step before the window."""

    code = "code_expired"
    message = "the code has expired"


class CodeNotYet(ScanCodeError):
    """Genuine, from a step after the window: a code of an offline pack shown too early."""

    code = "code_not_yet"
    message = "the code is not valid yet"


class KeyRingError(ValueError):
    """The key ring setting is unusable. Names the entry and the fault, never the secret."""
