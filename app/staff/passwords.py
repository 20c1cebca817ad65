"""Passwords: Argon2id, with the library's RFC 9106 low-memory parameters."""

import secrets
from base64 import b64encode
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Invalid

SHORTEST, LONGEST = 10, 128
#: A password that somebody else made is good this long, for changing it and nothing else: over a weekend.
TEMPORARY_LIFE = timedelta(hours=72)
_hasher = PasswordHasher()


class PasswordTooWeak(Invalid):
    """10 to 128 characters, more than four different ones, and not the login itself."""

    code = "password_too_weak"


def hashed(password: str, login: str) -> str:
    """Raises `PasswordTooWeak`."""
    if (
        not SHORTEST <= len(password) <= LONGEST
        or len(set(password)) < 5
        or login.lower() in password.lower()
    ):
        raise PasswordTooWeak
    return _hasher.hash(password)


def hashed_pin(pin: str) -> str:
    """Of a PIN that app/staff/pins.py has judged."""
    return _hasher.hash(pin)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; None stands for an unknown login and takes as long."""
    try:
        return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def _nobody() -> str:
    """A hash that no password has, checked against for an unknown login so that the answer takes as long."""
    salt, digest = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (_hasher.salt_len, _hasher.hash_len)
    )
    effort = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${effort}${salt}${digest}"


def temporary(login: str) -> str:
    """A random password to be told once and changed soon; never one that `hashed` would refuse for this login."""
    while True:
        password = secrets.token_urlsafe(12)
        if login.lower() not in password.lower() and len(set(password)) >= 5:
            return password
