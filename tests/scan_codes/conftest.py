"""Fixed keys, so that every figure below can be repeated, and a seed that every random test prints."""

import hashlib
import os
import random

import pytest

from scan_codes import Key, KeyRing

# A step of the year 2026; nothing depends on its value.
NOW_STEP = 59_000_000


def make_key(kid: int, tenant: str = "a") -> Key:
    return Key.derive(kid, hashlib.sha256(f"member code test key {tenant}{kid}".encode()).digest())


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    """Key 0 signs, key 1 still verifies; 2 to 9 are unknown."""
    return KeyRing((make_key(0), make_key(1)))


@pytest.fixture(scope="session")
def other_tenants_ring() -> KeyRing:
    """The same key ids with other secrets: another chain's installation."""
    return KeyRing((make_key(0, "b"), make_key(1, "b")))


@pytest.fixture(scope="session")
def step() -> int:
    return NOW_STEP


@pytest.fixture
def rng() -> random.Random:
    """Random, but repeatable: pytest shows the seed when the test fails."""
    seed = int(os.environ.get("SCAN_CODES_SEED", random.SystemRandom().randrange(2**32)))
    print(f"SCAN_CODES_SEED={seed}")
    return random.Random(seed)
