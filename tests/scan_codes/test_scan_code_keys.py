import base64
import hashlib
import traceback

import pytest

from scan_codes import Key, KeyRing, KeyRingError
from scan_codes.hkdf import hkdf_sha256

SECRETS = [hashlib.sha256(b"ring %d" % n).digest() for n in range(3)]
ENCODED = [base64.b64encode(secret).decode() for secret in SECRETS]


def test_the_first_listed_key_signs_and_the_others_are_found() -> None:
    ring = KeyRing.parse(f"7:{ENCODED[0]},3:{ENCODED[1]}")
    assert ring.signer.kid == 7
    assert ring.find(3) == Key.derive(3, SECRETS[1])
    assert ring.find(0) is None


def test_spaces_and_line_breaks_around_entries_are_allowed() -> None:
    assert KeyRing.parse(f" 1:{ENCODED[1]} ,\n 0:{ENCODED[0]}\n").signer.kid == 1


def test_the_two_keys_of_an_id_are_derived_separately_and_bound_to_the_id() -> None:
    zero, one = Key.derive(0, SECRETS[0]), Key.derive(1, SECRETS[0])
    assert len({zero.permutation_key, zero.mac_key, one.permutation_key, one.mac_key}) == 4
    assert zero.mac_key == hkdf_sha256(SECRETS[0], info=b"member-code|mac|0", length_bytes=32)
    assert zero.permutation_key == hkdf_sha256(SECRETS[0], info=b"member-code|permutation|0", length_bytes=32)


FAULTS = {
    "": "entry 1: expected <key id>:<base64 secret>",
    ENCODED[0]: "entry 1: expected <key id>:<base64 secret>",
    f"0:{ENCODED[0]},": "entry 2: expected <key id>:<base64 secret>",
    f":{ENCODED[0]}": "entry 1: the key id must be one digit, 0 to 9",
    f"10:{ENCODED[0]}": "entry 1: the key id must be one digit, 0 to 9",
    f"x:{ENCODED[0]}": "entry 1: the key id must be one digit, 0 to 9",
    f"\uff10:{ENCODED[0]}": "entry 1: the key id must be one digit, 0 to 9",
    f"{ENCODED[0]}:0": "entry 1: the key id must be one digit, 0 to 9",
    f"0:{ENCODED[0]},1:{ENCODED[1][:-1]}": "entry 2: the secret is not valid base64 (standard alphabet, padded)",
    f"0:{ENCODED[0][:20]}*{ENCODED[0][21:]}": (
        "entry 1: the secret is not valid base64 (standard alphabet, padded)"
    ),
    f"0:{ENCODED[0][:20]}!{ENCODED[0][20:]}": (
        "entry 1: the secret is not valid base64 (standard alphabet, padded)"
    ),
    f"0:{ENCODED[0]}\u00e9": "entry 1: the secret is not valid base64 (standard alphabet, padded)",
    "0:" + base64.b64encode(SECRETS[0][:31]).decode(): "entry 1: the secret must be 32 bytes, not 31",
    "0:" + base64.b64encode(SECRETS[0] + b"x").decode(): "entry 1: the secret must be 32 bytes, not 33",
    "0:": "entry 1: the secret must be 32 bytes, not 0",
    "0:" + base64.b64encode(bytes(32)).decode(): (
        "entry 1: the secret is not random; it looks like a placeholder"
    ),
    f"0:{ENCODED[0]},0:{ENCODED[1]}": "a key id is listed twice",
    f"0:{ENCODED[0]},1:{ENCODED[0]}": (
        "two key ids have the same secret: rotating between them changes nothing"
    ),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_faulty_setting_is_refused_with_the_fault_and_without_the_secret(text: str) -> None:
    with pytest.raises(KeyRingError) as caught:
        KeyRing.parse(text)
    assert str(caught.value) == FAULTS[text]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception_only(caught.value))
    assert not any(encoded[:8] in shown for encoded in ENCODED)


def test_an_empty_ring_is_refused() -> None:
    with pytest.raises(KeyRingError, match="the key ring is empty"):
        KeyRing(())


def test_neither_repr_nor_str_shows_a_secret() -> None:
    ring = KeyRing.parse(f"0:{ENCODED[0]},1:{ENCODED[1]}")
    assert repr(ring) == str(ring) == "KeyRing(keys=(Key(kid=0), Key(kid=1)))"
    assert f"{ring.signer}" == "Key(kid=0)"
