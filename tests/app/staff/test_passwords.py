"""Passwords: how they are kept, and which ones are refused."""

import pytest
from argon2 import PasswordHasher

from app.staff import passwords
from app.staff.passwords import PasswordTooWeak, hashed, matches, temporary


def test_what_is_shipped_costs_a_guesser_memory_and_time(shipped_hasher: PasswordHasher) -> None:
    """OWASP's floor for Argon2id: 19 MiB and two passes."""
    assert shipped_hasher.type.name == "ID"
    assert shipped_hasher.memory_cost >= 19 * 1024
    assert shipped_hasher.time_cost >= 2


def test_a_password_matches_its_hash_and_no_other() -> None:
    kept = hashed("夏天的风 2026 晴天", "mei")
    assert kept.startswith("$argon2id$")
    assert matches("夏天的风 2026 晴天", kept)
    assert not matches("夏天的风 2026 晴天 ", kept)
    assert not matches("夏天的风 2026 晴天", None)
    assert not matches("x", "not a hash")


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 129, "aaaabbbbcccc", "my mei password", "MEI-and-more-words"]
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        hashed(password, "mei")


def test_a_temporary_password_is_never_too_weak_for_its_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a login of two letters, one random password in fifty or so holds it."""
    drawn = iter(["xxABxxcdefghijkl", "a" * 16, "qrstuvwxyz012345"])
    monkeypatch.setattr(passwords.secrets, "token_urlsafe", lambda _: next(drawn))
    assert temporary("ab") == "qrstuvwxyz012345"
