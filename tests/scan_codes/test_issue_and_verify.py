import hashlib
import hmac
import random
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan_codes import (
    MEMBER_NO_MAX,
    PACK_MAX,
    CodeExpired,
    CodeForged,
    CodeNotYet,
    CodeRevoked,
    Key,
    KeyRing,
    ScanCodeError,
    Verified,
    Window,
    issue,
    pack,
    verify,
)
from scan_codes.damm import check_digit
from scan_codes.permutation import permute
from tests.seeds import examples

member_nos = st.integers(0, MEMBER_NO_MAX)
steps = st.integers(0, 2**40)


@given(member_no=member_nos, step=steps, prefix=st.sampled_from(["90", "88", "16", "99"]))
@settings(deadline=None, max_examples=examples(300))
def test_an_issued_code_names_its_member(ring: KeyRing, member_no: int, step: int, prefix: str) -> None:
    code = issue(ring, member_no, step, prefix=prefix)
    verified = verify(ring, code, step, prefix=prefix)
    assert verified == Verified(member_no=member_no, step=step, kid=0)


@given(member_no=member_nos, step=steps, late=st.integers(-1, 2))
@settings(deadline=None)
def test_within_the_window_a_code_names_its_member(
    ring: KeyRing, member_no: int, step: int, late: int
) -> None:
    code = issue(ring, member_no, step)
    verified = verify(ring, code, step + late)
    assert verified.member_no == member_no
    # Two steps in the window share a tag once in 10^7; then either is a true answer.
    assert issue(ring, member_no, verified.step) == code


def test_the_form_of_a_code_never_changes(ring: KeyRing, step: int) -> None:
    """Codes on phones and in packs outlive a release: a change here breaks them."""
    assert issue(ring, 123_456_789, step) == "90088143623080162464"
    assert issue(KeyRing((fresh_key(7),)), 999_999_999, step) == "90710979424444912576"
    assert issue(ring, 0, 0, prefix="88") == "88077374743498363437"


@pytest.mark.parametrize("kid", [0, 7])
def test_the_digits_are_what_the_page_about_codes_says(step: int, kid: int) -> None:
    key = fresh_key(kid)
    code = issue(KeyRing((key,)), 123_456_789, step)
    digest = hmac.new(key.mac_key, f"mc1|{kid}|123456789|{step}".encode(), hashlib.sha256).digest()
    assert (len(code), code.isascii(), code.isdigit()) == (20, True, True)
    assert code[:2] == "90"
    assert code[2] == str(kid)
    assert int(code[3:12]) == permute(key.permutation_key, 123_456_789)
    assert int(code[12:19]) == int.from_bytes(digest[:8], "big") % 10**7
    assert code[19] == check_digit(code[:19])


@pytest.mark.parametrize("member_no", [-1, MEMBER_NO_MAX + 1])
def test_a_member_number_beyond_nine_digits_is_refused(ring: KeyRing, step: int, member_no: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 999999999"):
        issue(ring, member_no, step)


def test_codes_of_consecutive_steps_and_members_spread_over_all_digits(ring: KeyRing, step: int) -> None:
    """Fixed keys, so the figure is fixed: chi-square over ten digits, 9 degrees of freedom."""
    codes = [issue(ring, n, step + n % 7) for n in range(5_000)]
    assert len(set(codes)) == 5_000
    for at in range(3, 20):
        counts = [sum(code[at] == digit for code in codes) for digit in "0123456789"]
        assert sum((count - 500) ** 2 / 500 for count in counts) < 33.7  # 1 in 10,000


@pytest.mark.parametrize("age", range(3, 21))
def test_a_genuine_code_of_the_last_ten_minutes_is_called_expired(ring: KeyRing, step: int, age: int) -> None:
    with pytest.raises(CodeExpired):
        verify(ring, issue(ring, 42, step - age), step)


@pytest.mark.parametrize("lead", range(2, 21))
def test_a_genuine_code_of_the_next_ten_minutes_is_called_not_yet_valid(
    ring: KeyRing, step: int, lead: int
) -> None:
    with pytest.raises(CodeNotYet):
        verify(ring, issue(ring, 42, step + lead), step)


@pytest.mark.parametrize("distance", [-100_000, -2_880, -21, 21, 2_880, 100_000])
def test_further_away_a_genuine_code_is_like_a_forged_one(ring: KeyRing, step: int, distance: int) -> None:
    with pytest.raises(CodeForged):
        verify(ring, issue(ring, 42, step + distance), step)


def test_the_window_is_a_parameter(ring: KeyRing, step: int) -> None:
    narrow, wide = Window(past=1, future=0), Window(past=4, future=3)
    assert verify(ring, issue(ring, 42, step - 1), step, window=narrow).step == step - 1
    assert verify(ring, issue(ring, 42, step - 4), step, window=wide).step == step - 4
    assert verify(ring, issue(ring, 42, step + 3), step, window=wide).step == step + 3
    with pytest.raises(CodeExpired):
        verify(ring, issue(ring, 42, step - 2), step, window=narrow)
    with pytest.raises(CodeNotYet):
        verify(ring, issue(ring, 42, step + 1), step, window=narrow)


# --- keys come and go -------------------------------------------------------------------------


def test_after_rotation_the_old_key_still_verifies_and_the_new_one_signs(step: int) -> None:
    old, new = fresh_key(4), fresh_key(5)
    before, after = KeyRing((old,)), KeyRing((new, old))
    assert verify(after, issue(before, 42, step), step) == Verified(42, step, kid=4)
    assert verify(after, issue(after, 42, step), step) == Verified(42, step, kid=5)


def test_a_key_may_be_added_everywhere_before_it_signs(step: int) -> None:
    old, new = fresh_key(4), fresh_key(5)
    not_yet_switched, switched = KeyRing((old, new)), KeyRing((new, old))
    assert verify(not_yet_switched, issue(switched, 42, step), step).kid == 5
    assert verify(switched, issue(not_yet_switched, 42, step), step).kid == 4


def test_a_withdrawn_key_takes_all_its_codes_with_it(step: int) -> None:
    old, new = fresh_key(4), fresh_key(5)
    with pytest.raises(CodeRevoked, match="key id withdrawn"):
        verify(KeyRing((new,)), issue(KeyRing((old,)), 42, step), step)


def test_a_new_secret_under_an_old_id_does_not_accept_the_old_codes(step: int) -> None:
    with pytest.raises(CodeForged):
        verify(KeyRing((fresh_key(4, "again"),)), issue(KeyRing((fresh_key(4),)), 42, step), step)


def test_rotation_changes_the_alias_of_a_member(step: int) -> None:
    codes = {issue(KeyRing((fresh_key(kid),)), 42, step)[3:12] for kid in range(10)}
    assert len(codes) == 10


# --- packs for phones without network ---------------------------------------------------------


def test_a_pack_is_the_codes_of_consecutive_steps(ring: KeyRing, step: int) -> None:
    assert pack(ring, 42, step, 20) == [(issue(ring, 42, s), s) for s in range(step, step + 20)]


def test_a_code_of_a_fresh_pack_shown_too_early_is_not_called_forged(ring: KeyRing, step: int) -> None:
    for code, code_step in pack(ring, 42, step + 1, PACK_MAX)[1:]:
        with pytest.raises(CodeNotYet):
            verify(ring, code, step)
        assert verify(ring, code, code_step).member_no == 42


@pytest.mark.parametrize("count", [-1, 0, PACK_MAX + 1])
def test_a_pack_has_a_bound(ring: KeyRing, step: int, count: int) -> None:
    with pytest.raises(ValueError, match="a pack holds 1 to 20 codes"):
        pack(ring, 42, step, count)


# --- what errors and answers give away --------------------------------------------------------


def test_each_error_has_a_stable_code() -> None:
    assert {error.__name__: error.code for error in ScanCodeError.__subclasses__()} == {
        "CodeMalformed": "code_malformed",
        "PaymentCode": "payment_code",
        "CodeRevoked": "code_revoked",
        "CodeForged": "code_forged",
        "CodeExpired": "code_expired",
        "CodeNotYet": "code_not_yet",
    }


def test_an_answer_is_the_same_every_time_and_for_every_member(ring: KeyRing, step: int) -> None:
    for age, refusal in ((3, CodeExpired), (-2, CodeNotYet), (21, CodeForged)):
        answers = {
            answer_to(ring, issue(ring, member_no, step - age), step)
            for member_no in (0, 1, 42, 123_456_789, MEMBER_NO_MAX)
            for _ in range(3)
        }
        assert answers == {(refusal, (refusal.message,), ())}


def test_a_guessed_tag_is_refused_alike_whoever_the_alias_belongs_to(ring: KeyRing, step: int) -> None:
    """Seeded: one guess in some 200,000 hits a step within reach, and then the answer differs."""
    rng = random.Random(20260301)
    answers = set()
    for _ in range(500):
        body = f"900{rng.randrange(10**9):09d}{rng.randrange(10**7):07d}"
        answers.add(answer_to(ring, body + check_digit(body), step))
    assert answers == {(CodeForged, (CodeForged.message,), ())}


def test_the_answer_can_not_be_changed(ring: KeyRing, step: int) -> None:
    verified = verify(ring, issue(ring, 42, step), step)
    with pytest.raises(FrozenInstanceError):
        verified.member_no = 43  # type: ignore[misc]


def answer_to(
    ring: KeyRing, text: str, step: int
) -> tuple[type[ScanCodeError], tuple[object, ...], tuple[str, ...]]:
    with pytest.raises(ScanCodeError) as caught:
        verify(ring, text, step)
    return type(caught.value), caught.value.args, tuple(vars(caught.value))


def fresh_key(kid: int, name: str = "rotation") -> Key:
    return Key.derive(kid, hashlib.sha256(f"{name} {kid}".encode()).digest())
