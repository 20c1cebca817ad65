"""Login from a Telegram Mini App: `initData`, signed by Telegram with a key derived from the bot's token.

The rule (Telegram's page "Validating data received via the Mini App"): every pair except `hash`, decoded, sorted by
key, joined by line feeds as `key=value`; HMAC-SHA256 under HMAC-SHA256("WebAppData", bot token). The newer field
`signature` is one of the signed pairs.

The data stays genuine until `max_age_s` have passed and is not used up by being checked: whoever logs people in
remembers a hash of it that long: of its canonical form, because pairs in another order or percent signs written
differently make another text of the same data.
"""

import hashlib
import hmac
import json
import re
from datetime import datetime
from urllib.parse import parse_qsl

from app.identity.models import TELEGRAM
from app.identity.platforms import LoginCodeInvalid, LoginExpired, VerifiedIdentity

MAX_INIT_DATA_CHARS = 4096
MAX_PAIRS = 32
CLOCK_SKEW_S = 60

_BOT_TOKEN = re.compile(r"([0-9]{1,20}):[A-Za-z0-9_-]{20,100}")
_HASH = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,12}")


class Telegram:
    """`app_id` is the bot's number. Raises `ValueError` for what is not a bot token."""

    name = TELEGRAM

    def __init__(self, bot_token: str, max_age_s: int) -> None:
        parts = _BOT_TOKEN.fullmatch(bot_token)
        if parts is None:
            raise ValueError("not a Telegram bot token")  # without showing it
        self.app_id: str = parts.group(1)
        self._key = hmac.digest(b"WebAppData", bot_token.encode(), hashlib.sha256)
        self._max_age_s = max_age_s

    def canonical(self, credential: str) -> str:
        """Every pair, decoded and sorted, `hash` among them. Raises `LoginCodeInvalid`."""
        pairs = _pairs(credential)
        return "\n".join(f"{key}={pairs[key]}" for key in sorted(pairs))

    def verify(self, credential: str, *, now: datetime) -> VerifiedIdentity:
        """Raises `LoginCodeInvalid`, or `LoginExpired` for genuine data older than `max_age_s`."""
        pairs = _pairs(credential)
        if not self._genuine(pairs):
            raise LoginCodeInvalid
        age_s = now.timestamp() - _auth_date(pairs)
        if age_s < -CLOCK_SKEW_S:
            raise LoginCodeInvalid
        if age_s >= self._max_age_s:
            raise LoginExpired
        return VerifiedIdentity(self.name, self.app_id, _user_id(pairs), None)

    def _genuine(self, pairs: dict[str, str]) -> bool:
        claimed = pairs.get("hash", "")
        if not _HASH.fullmatch(claimed):
            return False
        signed = "\n".join(f"{key}={pairs[key]}" for key in sorted(pairs) if key != "hash")
        expected = hmac.new(self._key, signed.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, claimed)


def _pairs(init_data: str) -> dict[str, str]:
    if len(init_data) > MAX_INIT_DATA_CHARS or not init_data.isascii():  # it comes percent-encoded
        raise LoginCodeInvalid
    try:
        listed = parse_qsl(
            init_data, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_PAIRS
        )
    except ValueError:
        raise LoginCodeInvalid from None
    pairs = dict(listed)
    if len(pairs) != len(listed):  # of two values one would be checked and the other believed
        raise LoginCodeInvalid
    if any("\n" in key + value for key, value in listed):  # the signed text could be cut into other pairs
        raise LoginCodeInvalid
    return pairs


def _auth_date(pairs: dict[str, str]) -> int:
    text = pairs.get("auth_date", "")
    if not _DIGITS.fullmatch(text):
        raise LoginCodeInvalid
    return int(text)


def _user_id(pairs: dict[str, str]) -> str:
    try:
        user = json.loads(pairs.get("user", ""))
    except (ValueError, RecursionError):
        raise LoginCodeInvalid from None
    user_id = user.get("id") if isinstance(user, dict) else None
    if type(user_id) is not int or not 0 < user_id < 2**63 or user.get("is_bot"):
        raise LoginCodeInvalid
    return str(user_id)
