"""Making member codes."""

from scan_codes.keys import KeyRing
from scan_codes.layout import DEFAULT_PREFIX, check_prefix, compose
from scan_codes.mac import tag
from scan_codes.permutation import permute

PACK_MAX = 20  # ten minutes without network, as far as `verify` looks ahead


def issue(ring: KeyRing, member_no: int, step: int, *, prefix: str = DEFAULT_PREFIX) -> str:
    """The 20 digits for this member in this step, signed by the ring's first key.

    The same arguments give the same code. Raises ValueError for a member number outside
    0 … 999,999,999 or a prefix that collides with payment codes.
    """
    [(code, _)] = pack(ring, member_no, step, 1, prefix=prefix)
    return code


def pack(
    ring: KeyRing, member_no: int, first_step: int, count: int, *, prefix: str = DEFAULT_PREFIX
) -> list[tuple[str, int]]:
    """Codes with their steps, for `count` (1 … 20) steps in a row: a supply for a phone without network.

    Raises ValueError as `issue`, and for a count out of range.
    """
    if not 1 <= count <= PACK_MAX:
        raise ValueError(f"a pack holds 1 to {PACK_MAX} codes")
    check_prefix(prefix)
    key = ring.signer
    alias = permute(key.permutation_key, member_no)
    return [
        (compose(prefix, key.kid, alias, tag(key.mac_key, key.kid, member_no, step)), step)
        for step in range(first_step, first_step + count)
    ]
