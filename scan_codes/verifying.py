"""Judging a scanned text: whose code is it, and is it good now?"""

from collections.abc import Iterable
from dataclasses import dataclass

from scan_codes.errors import CodeExpired, CodeForged, CodeNotYet, CodeRevoked
from scan_codes.keys import Key, KeyRing
from scan_codes.layout import DEFAULT_PREFIX, check_prefix, read_parts
from scan_codes.mac import tag, tags_equal
from scan_codes.permutation import unpermute
from scan_codes.steps import DEFAULT_WINDOW, Window

# How far a genuine code outside the window is still told from a forged one: ten minutes each way.
# Further out would cost more HMACs for every forged code and tell an honest clerk nothing new.
LOOK_BACK_STEPS = 20
LOOK_AHEAD_STEPS = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine code within its window. Whether the member exists or the step was used is not known here."""

    member_no: int
    step: int
    kid: int


def verify(
    ring: KeyRing,
    text: str,
    step: int,
    *,
    window: Window = DEFAULT_WINDOW,
    prefix: str = DEFAULT_PREFIX,
) -> Verified:
    """Judge `text` while `step` runs.

    Raises, cheapest check first: PaymentCode or CodeMalformed (no cryptography), CodeRevoked (none),
    then CodeExpired, CodeNotYet or CodeForged (at most 51 HMACs with the default window, always).
    Raises ValueError for a prefix that collides with payment codes.
    """
    parts = read_parts(text, check_prefix(prefix))
    key = ring.find(parts.kid)
    if key is None:
        raise CodeRevoked
    member_no = unpermute(key.permutation_key, parts.alias)
    code_step = _step_with_tag(key, member_no, parts.tag, window.nearest_first(step))
    if code_step is not None:
        return Verified(member_no=member_no, step=code_step, kid=key.kid)
    raise _refusal(key, member_no, parts.tag, step, window)


def _refusal(
    key: Key, member_no: int, code_tag: str, step: int, window: Window
) -> CodeExpired | CodeNotYet | CodeForged:
    before = range(step - LOOK_BACK_STEPS, step - window.past)
    if _step_with_tag(key, member_no, code_tag, before) is not None:
        return CodeExpired()
    after = range(step + window.future + 1, step + LOOK_AHEAD_STEPS + 1)
    if _step_with_tag(key, member_no, code_tag, after) is not None:
        return CodeNotYet()
    return CodeForged()


def _step_with_tag(key: Key, member_no: int, code_tag: str, steps: Iterable[int]) -> int | None:
    for step in steps:
        if tags_equal(tag(key.mac_key, key.kid, member_no, step), code_tag):
            return step
    return None
