"""Reads a configuration from JSON (file or standard input) and from the command line's short forms."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wechat_sandbox.config import (
    JSON_SHAPES,
    LONG_TERM,
    ONE_TIME,
    PUSH_EVENTS,
    PUSH_FORMATS,
    REFUNDS,
    SIGNERS,
    Callback,
    Config,
    ConfigError,
    Field,
    Latency,
    Limits,
    Official,
    Pay,
    Sms,
    Template,
)
from wechat_sandbox.fields import FIELD_TYPES


def config_from(values: Mapping[str, Any]) -> Config:
    """Build a Config from JSON values. Raises ConfigError for what is missing, unknown or misshapen."""
    given = dict(values)
    for name in ("app_id", "secret"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ConfigError(f"{name} is missing")
    _known(given, Config, "configuration")
    for name in ("users", "pages", "ip_whitelist", "sensitive_words"):
        given[name] = _texts(given[name], name) if name in given else getattr(Config, name)
    given["templates"] = tuple(template_from(one) for one in given.get("templates", ()))
    if given.get("callback") is not None:
        given["callback"] = callback_from(given["callback"])
    if "limits" in given:
        given["limits"] = Limits(**_known(given["limits"], Limits, "limits"))
    if "latency" in given:
        given["latency"] = Latency(**_known(given["latency"], Latency, "latency"))
    if given.get("pay") is not None:
        given["pay"] = pay_from(given["pay"])
    if given.get("official") is not None:
        given["official"] = official_from(given["official"])
    if given.get("sms") is not None:
        given["sms"] = sms_from(given["sms"])
    if given.get("seed") is not None:
        given["seed"] = str(given["seed"])
    return Config(**given)


def template_from(values: Mapping[str, Any]) -> Template:
    """Build a Template from ``{"id", "title"?, "kind"?, "fields": [{"key", "type"?, "label"?}]}``."""
    given = _known(values, Template, "template")
    if not given.get("id") or not given.get("fields"):
        raise ConfigError("a template needs an id and fields")
    kind = given.get("kind", ONE_TIME)
    if kind not in (ONE_TIME, LONG_TERM):
        raise ConfigError(f"template kind {kind!r}: 2 is one-time, 3 is long-term")
    return Template(
        id=str(given["id"]),
        title=str(given.get("title") or given["id"]),
        kind=kind,
        fields=tuple(_field_from(one) for one in given["fields"]),
        banned=bool(given.get("banned", False)),
    )


def _field_from(values: Mapping[str, Any] | str) -> Field:
    given = {"key": values} if isinstance(values, str) else _known(values, Field, "field")
    key = str(given.get("key", ""))
    kind = str(given.get("type") or re.sub(r"\d+$", "", key))
    if kind not in FIELD_TYPES:
        raise ConfigError(f"field {key!r} has the unknown type {kind!r}")
    return Field(key, kind, str(given.get("label") or key), _texts(given.get("choices", ()), "choices"))


def template_from_text(text: str) -> Template:
    """Read the command line's ``ID:kind:key[:type],key[:type],…``."""
    parts = text.split(":", 2)
    if len(parts) != 3 or not parts[1].isdigit():
        raise ConfigError(f"template {text!r} is not ID:kind:key:type,…")
    keys = [one.split(":", 1) for one in parts[2].split(",") if one]
    fields = [{"key": key, "type": rest[0] if rest else ""} for key, *rest in keys]
    return template_from({"id": parts[0], "kind": int(parts[1]), "fields": fields})


def callback_from(values: Mapping[str, Any]) -> Callback:
    """Build a Callback. Raises ConfigError, also when the address is not on this machine."""
    given = _known(values, Callback, "callback")
    for name in ("url", "token", "aes_key"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ConfigError(f"callback {name} is missing")
    address = urlsplit(given["url"])
    if address.scheme != "http" or not is_loopback(address.hostname or ""):
        raise ConfigError("the callback url must be http:// on this machine (loopback)")
    if "events" in given:
        given["events"] = _texts(given["events"], "callback events")
    _check_key(given["aes_key"])
    callback = Callback(**given)
    if callback.format not in PUSH_FORMATS or callback.json_shape not in JSON_SHAPES:
        raise ConfigError(f"callback format is one of {PUSH_FORMATS}, json_shape one of {JSON_SHAPES}")
    if not set(callback.events) <= set(PUSH_EVENTS):
        raise ConfigError(f"callback events are among {PUSH_EVENTS}")
    return callback


def official_from(values: Mapping[str, Any]) -> Official:
    """Build an Official. Raises ConfigError."""
    given = _known(values, Official, "official")
    for name in ("app_id", "secret"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ConfigError(f"official {name} is missing")
    given["templates"] = tuple(template_from(one) for one in given.get("templates", ()))
    if given.get("callback") is not None:
        given["callback"] = callback_from(given["callback"])
    return Official(**given)


def sms_from(values: Mapping[str, Any]) -> Sms:
    """Build an Sms. Raises ConfigError."""
    given = _known(values, Sms, "sms")
    for name in ("secret_id", "secret_key"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ConfigError(f"sms {name} is missing")
    return Sms(**given)


def pay_from(values: Mapping[str, Any]) -> Pay:
    """Build a Pay. Raises ConfigError."""
    given = _known(values, Pay, "pay")
    for name in ("mchid", "serial", "public_key", "apiv3_key"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ConfigError(f"pay {name} is missing")
    pay = Pay(**given)
    try:
        usable = isinstance(load_pem_public_key(pay.public_key.encode()), RSAPublicKey)
    except ValueError:
        usable = False
    if not usable or len(pay.apiv3_key.encode()) != 32:
        raise ConfigError("pay public_key is the PEM of an RSA public key, apiv3_key has 32 bytes")
    if pay.sign_with not in SIGNERS or pay.refunds not in REFUNDS:
        raise ConfigError(f"pay sign_with is one of {SIGNERS}, refunds one of {REFUNDS}")
    return pay


def latency_from_text(text: str) -> Latency:
    """Read ``60`` (always 60 ms) or ``60:400`` (median and 99th percentile)."""
    p50, _, p99 = text.partition(":")
    try:
        return Latency(float(p50), float(p99 or p50))
    except ValueError:
        raise ConfigError(f"latency {text!r} is neither MS nor P50:P99") from None


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses, false for every other name and address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_key(aes_key: str) -> None:
    try:
        size = len(base64.b64decode(aes_key + "=", validate=True))
    except binascii.Error:
        size = 0
    if len(aes_key) != 43 or size != 32:
        raise ConfigError("callback aes_key is 43 characters of base64")


def _known(values: object, shape: type, name: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{name} is not an object")
    allowed = {one.name for one in fields_of(shape)}
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise ConfigError(f"{name} does not know {', '.join(unknown)}")
    return dict(values)


def _texts(values: object, name: str) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(one, str) for one in values):
        raise ConfigError(f"{name} is a list of texts")
    return tuple(values)
