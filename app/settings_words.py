"""How settings are written in general: numbers, words, addresses, keys. What is wrong is said, never with its value."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed")
        return int(text)

    return parse


def digits(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.isascii() or not text.isdigit() or len(text) > longest:
            raise ValueError(f"1 to {longest} digits are needed")
        return text

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)} is needed")
        return text

    return parse


def printable(longest: int, shortest: int = 1) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not shortest <= len(text) <= longest or not text.isprintable():
            raise ValueError(f"{shortest} to {longest} printable characters are needed")
        return text

    return parse


def database_url(text: str) -> str:
    try:
        scheme = make_url(text).drivername
    except (ArgumentError, ValueError):
        scheme = ""  # what the parser says would quote the address, and so its password
    if scheme != "postgresql+psycopg":
        raise ValueError("an address that begins with postgresql+psycopg:// is needed")
    return text


def redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")) or len(text) > 500:
        raise ValueError("an address that begins with redis://, rediss:// or unix:// is needed")
    return text


def http_url(text: str) -> str:
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= 2000
    if not plain or not re.fullmatch(r"https?://[^/?#@]+([/?#].*)?", text):
        raise ValueError("an http or https address is needed")
    return text.rstrip("/")


def secret_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("base64 of 32 random bytes is needed") from None
    # 32 random bytes hold some thirty different ones; a pattern or a typed word holds few.
    if len(key) != 32 or len(set(key)) < 16:
        raise ValueError("base64 of 32 random bytes is needed")
    return key


def key_ring(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`: the first one encrypts, the others still decrypt."""
    pairs = [part.strip().partition(":") for part in text.split(",")]
    ring = {name: secret_key(key) for name, _, key in pairs}
    if len(ring) != len(pairs) or not all(
        name.isascii() and name.isalnum() and len(name) <= 8 for name in ring
    ):
        raise ValueError("distinct ids of up to 8 letters or digits are needed, as in a1:KEY,a0:KEY")
    return ring


def host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?|[0-9a-fA-F:]{2,39}", text):
        raise ValueError("the name or address of a machine is needed")
    return text


def email_address(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", text) or len(text) > 254:
        raise ValueError("an e-mail address is needed, without a name")
    return text


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
