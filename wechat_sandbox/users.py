"""The people who hold the phones. Each is addressed by a short name and made when first named."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from wechat_sandbox.draw import Draw

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class UnknownUser(Exception):
    """Nobody has that name or openid."""


@dataclass
class User:
    """One person as this app sees them. Phone number and session_key stay out of repr."""

    name: str
    openid: str
    unionid: str
    phone: str = field(repr=False)
    session_key: str = field(repr=False)
    blocked: bool = False


class Users:
    """All people, by name and by openid."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._by_name: dict[str, User] = {}
        self._by_openid: dict[str, User] = {}
        self._phones: set[str] = set()

    def all(self) -> list[User]:
        """Everybody, in the order they came."""
        return list(self._by_name.values())

    def named(self, name: str) -> User:
        """The person of that name. Raises UnknownUser."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownUser from None

    def with_openid(self, openid: str) -> User | None:
        """The person behind an openid, or None."""
        return self._by_openid.get(openid)

    def named_or_new(self, name: str) -> User:
        """The person of that name, made if need be. Raises ValueError for a name that cannot be one."""
        if name in self._by_name:
            return self._by_name[name]
        if not _NAME.fullmatch(name):
            raise ValueError("a user is named by 1 to 32 letters, digits, - or _")
        user = User(
            name=name,
            openid="o" + _text(self._draw.lasting("openid", name, 21))[:27],
            unionid="o" + _text(self._draw.lasting("unionid", name, 21))[:27],
            phone=self._free_phone(name),
            session_key=self._session_key(),
        )
        self._by_name[name] = self._by_openid[user.openid] = user
        return user

    def change_phone(self, user: User, phone: str) -> None:
        """Give another number. Raises ValueError unless it is 11 digits that begin with 1."""
        if not re.fullmatch(r"1[0-9]{10}", phone):
            raise ValueError("a phone number has 11 digits and begins with 1")
        self._phones.discard(user.phone)
        self._phones.add(phone)
        user.phone = phone

    def rotate_session_key(self, user: User) -> None:
        """As the platform does at times when the person logs in anew."""
        user.session_key = self._session_key()

    def _session_key(self) -> str:
        return base64.b64encode(self._draw.fresh("session_key", 16)).decode()

    def _free_phone(self, name: str) -> str:
        for attempt in range(1_000):
            digits = int.from_bytes(self._draw.lasting("phone", f"{name}/{attempt}", 8)) % 10**8
            phone = f"138{digits:08d}"
            if phone not in self._phones:
                self._phones.add(phone)
                return phone
        raise ValueError("no phone number is left")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
