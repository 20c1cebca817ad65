import pytest

from scan_codes.hkdf import hkdf_sha256

# RFC 5869, appendix A: the three cases with SHA-256.
VECTORS = {
    "A.1 basic": (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    "A.2 longer inputs": (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    "A.3 no salt, no info": (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_rfc_5869_come_out(name: str) -> None:
    secret, salt, info, expected = (bytes.fromhex(part) for part in VECTORS[name])
    assert hkdf_sha256(secret, salt=salt, info=info, length_bytes=len(expected)) == expected


@pytest.mark.parametrize("length_bytes", [0, -1, 255 * 32 + 1])
def test_lengths_beyond_the_rfc_are_refused(length_bytes: int) -> None:
    with pytest.raises(ValueError, match="HKDF gives 1 to 8160 bytes"):
        hkdf_sha256(b"secret", info=b"", length_bytes=length_bytes)


def test_the_longest_output_has_its_length() -> None:
    assert len(hkdf_sha256(b"secret", info=b"", length_bytes=255 * 32)) == 255 * 32
