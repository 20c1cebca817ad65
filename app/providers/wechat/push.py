"""What WeChat calls us with: checked, opened, and brought into one shape.

Safe mode only: the body is encrypted and signed. In order: size, freshness, signature (constant time), only
then decryption, the app id inside, and last the parsing. A caller learns nothing about which step failed.
Source: the platform's pages on message push, on subscribe-message events and on template messages.
"""

import base64
import hashlib
import hmac
import json
import logging
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.errors import Invalid
from app.providers.wechat.push_xml import NotXml, parse_xml

log = logging.getLogger(__name__)

MAX_PUSH_BYTES = 64 * 1024
#: The official account's word on what became of a template message.
TEMPLATE_FINISHED = "TEMPLATESENDJOBFINISH"
FRESH_S = 300
_BLOCK = 32  # WeChat pads to 32 bytes, though AES has blocks of 16


class PushRejected(Invalid):
    code = "push_rejected"


@dataclass(frozen=True)
class SubscribeResult:
    """What happened to one template: `outcome` is accept or reject, or the status of a send (`error_code` 0: sent).

    `template_id` is empty for a template message: WeChat names only the message.
    """

    template_id: str
    outcome: str
    msgid: str | None = None
    error_code: int | None = None


@dataclass(frozen=True)
class Push:
    """One call of WeChat. `event` is None for what a person wrote; `dedupe_key` is the same for each repetition.

    `text` is what they wrote, if it was a text.
    """

    event: str | None
    openid: str = field(repr=False)
    created_at: datetime
    results: tuple[SubscribeResult, ...]
    dedupe_key: str
    text: str | None = field(default=None, repr=False)


class _Fault(Exception):
    """Why a push is turned down; for our log, in fixed words."""


class PushReader:
    """For one app: `token` and `encoding_aes_key` (43 characters) as set in the platform's console.

    Raises `ValueError` when the key is not one.
    """

    def __init__(self, appid: str, *, token: str, encoding_aes_key: str) -> None:
        self._appid = appid.encode()
        self._token = token
        if len(encoding_aes_key) != 43 or not encoding_aes_key.isalnum() or not encoding_aes_key.isascii():
            raise ValueError("EncodingAESKey has 43 letters and digits")
        self._key = base64.b64decode(encoding_aes_key + "=")

    def verify_url(self, signature: str, timestamp: str, nonce: str, echostr: str) -> str:
        """Answers the check WeChat makes when the address is registered: returns `echostr`, as plain text.

        Raises `PushRejected`.
        """
        short = all(0 < len(text) <= 200 for text in (timestamp, nonce, echostr)) and echostr.isprintable()
        if not short or not self._signed(signature, timestamp, nonce):
            raise _rejected("url check")
        return echostr

    def open_push(self, query: Mapping[str, str], body: bytes, now: datetime) -> Push:
        """Opens a POST from WeChat. `query` is the URL's, `body` the raw bytes. Raises `PushRejected`."""
        try:
            _check_fresh(query, now)
            sealed = _text(_parsed(body), "Encrypt")
            timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
            if not self._signed(query.get("msg_signature", ""), timestamp, nonce, sealed):
                raise _Fault("signature")
            return _push(_parsed(self._decrypted(sealed)))
        except _Fault as fault:
            why = str(fault)
        raise _rejected(why)

    def _signed(self, signature: str, *signed: str) -> bool:
        try:
            expected = hashlib.sha1(b"".join(sorted(t.encode() for t in (self._token, *signed))))  # noqa: S324
            return hmac.compare_digest(expected.hexdigest().encode(), signature.encode())
        except UnicodeEncodeError:
            return False

    def _decrypted(self, sealed: str) -> bytes:
        """The message in: 16 random bytes, its length, the message, the app id, padding."""
        try:
            ciphertext = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise _Fault("base64") from None
        if not ciphertext or len(ciphertext) % 16:
            raise _Fault("block length")
        opened = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).decryptor()
        padded = opened.update(ciphertext) + opened.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
            raise _Fault("padding")
        plain = padded[16:-padding]
        if len(plain) < 4:
            raise _Fault("length")
        (length,) = struct.unpack(">I", plain[:4])
        message, appid = plain[4 : 4 + length], plain[4 + length :]
        if len(message) != length or not hmac.compare_digest(appid, self._appid):
            raise _Fault("app id")
        return message


def _check_fresh(query: Mapping[str, str], now: datetime) -> None:
    timestamp = query.get("timestamp", "")
    if query.get("encrypt_type") != "aes":
        raise _Fault("not in safe mode")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise _Fault("timestamp")
    if abs(now.timestamp() - int(timestamp)) > FRESH_S:
        raise _Fault("stale")


def _parsed(document: bytes) -> dict[str, Any]:
    if len(document) > MAX_PUSH_BYTES:
        raise _Fault("too large")
    try:
        found = parse_xml(document) if document.lstrip()[:1] == b"<" else json.loads(document)
    except (NotXml, ValueError, RecursionError):
        raise _Fault("unreadable") from None
    if not isinstance(found, dict):
        raise _Fault("unreadable")
    return found


def _push(payload: Mapping[str, Any]) -> Push:
    openid, created = _text(payload, "FromUserName"), _text(payload, "CreateTime")
    event = _text(payload, "Event") if payload.get("MsgType") == "event" else None
    try:
        created_at = datetime.fromtimestamp(int(created), UTC)
    except (ValueError, OverflowError, OSError):
        raise _Fault("create time") from None
    if event == TEMPLATE_FINISHED:
        results: tuple[SubscribeResult, ...] = (_finished(payload),)
    else:
        results = tuple(_result(item) for item in _items(event, payload))
    key = _dedupe_key(payload, event, openid, created, results)
    written = (
        _text(payload, "Content") if payload.get("MsgType") == "text" and payload.get("Content") else None
    )
    return Push(event, openid, created_at, results, key, written)


def _dedupe_key(
    payload: Mapping[str, Any],
    event: str | None,
    openid: str,
    created: str,
    results: tuple[SubscribeResult, ...],
) -> str:
    """WeChat's rule is MsgId, else sender and second; two events can fall into one second, so their content too.

    Hashed: the key is stored, and an openid does not belong there.
    """
    if payload.get("MsgId"):
        parts: list[object] = ["msg", _text(payload, "MsgId")]
    else:
        templates = sorted((r.template_id, r.outcome, r.msgid or "") for r in results)
        parts = ["event", openid, created, event, templates]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _items(event: str | None, payload: Mapping[str, Any]) -> list[Any]:
    """The subscribe results in any of the shapes WeChat uses: a list, one object, or either inside `List`.

    Its JSON samples show a bare list for popup and change but `{"List": {...}}` for sent; XML gives an object
    for one item and a list for several.
    """
    if event is None or not event.startswith("subscribe_msg_"):
        return []
    # subscribe_msg_sent_event is carried by SubscribeMsgSentEvent
    name = "".join(word.capitalize() for word in event.split("_"))
    found = payload.get(name, payload.get("List"))
    if isinstance(found, dict) and "List" in found:
        found = found["List"]
    if found is None or found == "":
        return []
    return found if isinstance(found, list) else [found]


def _result(item: Any) -> SubscribeResult:
    if not isinstance(item, dict):
        raise _Fault("subscribe result")
    error_code = item.get("ErrorCode")
    try:
        number = None if error_code in (None, "") else int(error_code)
    except (ValueError, TypeError, OverflowError):
        raise _Fault("subscribe result") from None
    outcome = _text(item, "ErrorStatus" if "ErrorStatus" in item else "SubscribeStatusString")
    msgid = _text(item, "MsgID") if item.get("MsgID") else None
    return SubscribeResult(_text(item, "TemplateId"), outcome, msgid, number)


def _finished(payload: Mapping[str, Any]) -> SubscribeResult:
    """`success`, or `failed:` and why."""
    status = _text(payload, "Status")
    return SubscribeResult("", status, _text(payload, "MsgID"), 0 if status == "success" else 1)


def _text(payload: Mapping[str, Any], key: str) -> str:
    """XML brings every value as text, JSON some of them as numbers."""
    value = payload.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise _Fault(key)
    return value


def _rejected(why: str) -> PushRejected:
    log.warning("wechat push rejected: %s", why)
    return PushRejected()
