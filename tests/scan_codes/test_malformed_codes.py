"""Everything a scanner, a keyboard or an attacker may send instead of a good code."""

import hmac
import random
from collections.abc import Iterator
from typing import Any

import pytest

from scan_codes import (
    CodeExpired,
    CodeForged,
    CodeMalformed,
    CodeNotYet,
    CodeRevoked,
    KeyRing,
    PaymentCode,
    ScanCodeError,
    issue,
    verify,
)
from scan_codes.damm import check_digit

Refusals = tuple[type[ScanCodeError], ...]
Corpus = dict[str, tuple[Refusals, list[str]]]

FORGED_HMACS = 10 + 41  # the permutation's rounds, and the steps from 20 before to 20 after now
MEBIBYTE = 2**20

LINKS_AND_CARDS = [
    "https://example.com/m/{code}",
    "http://example.com/?c={code}&x=1",
    "HTTPS://EXAMPLE.COM/{code}",
    "weixin://dl/business/?t={code}",
    "alipays://platformapi/startapp?code={code}",
    "javascript:alert({code})",
    "data:text/plain,{code}",
    "file:///etc/passwd",
    "tel:+86{code}",
    "sms:10086?body={code}",
    "mailto:a@example.com?subject={code}",
    "geo:31.2,121.5",
    "WIFI:T:WPA;S:shop;P:{code};;",
    "BEGIN:VCARD\nVERSION:3.0\nFN:{code}\nEND:VCARD",
    "MECARD:N:{code};;",
    "BEGIN:VEVENT\nSUMMARY:{code}\nEND:VEVENT",
    "otpauth://totp/a?secret={code}",
    "000201010212{code}6304ABCD",
    "hQVDUFYwMWEaTwegAAAAVVVVUA8=",
    "]C1{code}",
    "]Q1{code}",
    "market://details?id={code}",
    "upi://pay?pa={code}",
    "bitcoin:{code}",
    "//{code}",
    "urn:code:{code}",
    "<a href='{code}'>",
    '{{"code":"{code}"}}',
    "code={code}",
    "#{code}",
]

INJECTIONS = [
    "' OR '1'='1",
    "{code}' --",
    "{code};--",
    "{code}; DROP TABLE members",
    "1 UNION SELECT 1",
    "{code}\\",
    "{code}%",
    "{code}_",
    "%{code}",
    "0x{code}",
    "{code}e1",
    "{code}.0",
    "+{code}",
    "-{code}",
    "1e19",
    "NaN",
    "Infinity",
    "null",
    "true",
    "[]",
    "{{}}",
    "*)(uid=*",
    "{code})(|(a=*",
    "{{{{7*7}}}}",
    "${{7*7}}",
    "#{{7*7}}",
    "<%= 7*7 %>",
    "{{% raw %}}",
    "%s%s%s%n",
    "%d{code}",
    "{{0}}",
    "{{code}}",
    "{{code.__class__}}",
    "$(id)",
    "`id`",
    "| cat /etc/passwd",
    "../../{code}",
    "..\\{code}",
    "<script>{code}</script>",
    "<!--{code}-->",
]

UNICODE_DIGIT_ZEROS = [0x0660, 0x06F0, 0x0966, 0x0E50, 0x1D7CE, 0x1D7D8, 0x1D7F6, 0xFF10]
LOOKALIKES = [*zip("00001112568901", "OoDQIl|ZSGBg\u3007\u4e00", strict=True)]
PASTED_BY = ["", " ", "-", "\n", "\r\n", "\t", ",", ";"]
FOREIGN_SPACES = ["\u00a0", "\u3000", "\u2003", "\u200b", "\ufeff", "\u202e", "\u2010", "\u2212"]
FOREIGN_MARKS = ["\u0301", "\u20e3", "\ufe0f", "\U0001f512", "\U0010ffff", "\ue000", "\ud800", "\udfff"]


@pytest.fixture(scope="module")
def corpus(ring: KeyRing, other_tenants_ring: KeyRing, step: int) -> Corpus:
    # A fixed seed: among this many guesses, one in a thousand other seeds would hit a good tag.
    rng = random.Random(17)
    code = issue(ring, 42, step)
    malformed: Refusals = (CodeMalformed,)
    return {
        "expired": ((CodeExpired,), [issue(ring, m, step - 3 - m % 18) for m in range(40)]),
        "long expired": ((CodeForged,), [issue(ring, m, step - 21 - m**5) for m in range(20)]),
        "from the future": ((CodeNotYet,), [issue(ring, m, step + 2 + m % 19) for m in range(20)]),
        "of another chain": ((CodeForged,), [issue(other_tenants_ring, m, step) for m in range(30)]),
        "with an unknown key id": ((CodeRevoked,), list(with_key_ids(code, "23456789"))),
        "with the other key id": ((CodeForged,), list(with_key_ids(code, "1"))),
        "with a wrong tag": ((CodeForged,), list(with_wrong_tags(ring, code, step, rng))),
        "with one bit flipped": (malformed, list(bit_flips(code))),
        "cut or extended": (malformed, list(resized(code, rng))),
        "in other alphabets": (malformed, list(other_alphabets(code))),
        "payment codes": ((PaymentCode,), list(payment_codes(rng))),
        "links and cards": (malformed, [text.format(code=code) for text in LINKS_AND_CARDS]),
        "injections": (malformed, [text.format(code=code) for text in INJECTIONS]),
        "control characters": (malformed, list(with_control_characters(code))),
        "broken Unicode": (malformed, list(broken_unicode(code))),
        "extreme sizes": (
            malformed,
            [
                "",
                "9",
                "9" * 65,
                "9" * 4_096,
                code + " " * 4_096,
                *(text * MEBIBYTE for text in ("9", " ", "9 ")),
            ],
        ),
        "pasted twice": (
            malformed,
            [code + glue + code for glue in PASTED_BY] + [code + glue + code + "\r\n" for glue in PASTED_BY],
        ),
    }


CATEGORY_SIZES = {
    "expired": 40,
    "long expired": 20,
    "from the future": 20,
    "of another chain": 30,
    "with an unknown key id": 8,
    "with the other key id": 1,
    "with a wrong tag": 20,
    "with one bit flipped": 128,
    "cut or extended": 60,
    "in other alphabets": 40,
    "payment codes": 20,
    "links and cards": 30,
    "injections": 40,
    "control characters": 40,
    "broken Unicode": 30,
    "extreme sizes": 8,
    "pasted twice": 16,
}


@pytest.mark.parametrize("category", CATEGORY_SIZES)
def test_no_text_of_the_category_is_accepted(corpus: Corpus, ring: KeyRing, step: int, category: str) -> None:
    refusals, texts = corpus[category]
    assert len(set(texts)) >= CATEGORY_SIZES[category]
    for text in texts:
        with pytest.raises(refusals) as caught:
            verify(ring, text, step)
        assert str(caught.value) == type(caught.value).message
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_corpus_has_its_size(corpus: Corpus) -> None:
    assert corpus.keys() == CATEGORY_SIZES.keys()
    assert sum(len(texts) for _, texts in corpus.values()) >= 500


def test_the_good_code_beside_the_corpus_is_accepted(ring: KeyRing, step: int) -> None:
    assert verify(ring, issue(ring, 42, step), step).member_no == 42


def test_no_text_costs_more_than_a_forged_code(
    corpus: Corpus, ring: KeyRing, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts HMACs, the only costly step; a shape that is wrong must not cost a single one."""
    real_digest, count = hmac.digest, 0

    def counting_digest(*args: Any) -> bytes:
        nonlocal count
        count += 1
        return real_digest(*args)

    monkeypatch.setattr(hmac, "digest", counting_digest)
    costs: dict[type[ScanCodeError], set[int]] = {}
    for refusals, texts in corpus.values():
        for text in texts:
            count = 0
            with pytest.raises(ScanCodeError):
                verify(ring, text, step)
            costs.setdefault(refusals[0], set()).add(count)

    assert costs[CodeMalformed] == costs[PaymentCode] == costs[CodeRevoked] == {0}
    assert costs[CodeForged] == {FORGED_HMACS}
    assert max(max(counts) for counts in costs.values()) == FORGED_HMACS


def with_check(body: str) -> str:
    return body + check_digit(body)


def with_key_ids(code: str, kids: str) -> Iterator[str]:
    for kid in kids:
        yield with_check(code[:2] + kid + code[3:19])


def with_wrong_tags(ring: KeyRing, code: str, step: int, rng: random.Random) -> Iterator[str]:
    yield with_check(code[:12] + "0000000")
    yield with_check(code[:12] + "9999999")
    for member_no in range(100, 110):
        yield with_check(code[:12] + issue(ring, member_no, step)[12:19])
    for _ in range(20):
        yield with_check(code[:12] + f"{rng.randrange(10**7):07d}")


def bit_flips(code: str) -> Iterator[str]:
    for at in range(20):
        for bit in range(8):
            yield code[:at] + chr(ord(code[at]) ^ (1 << bit)) + code[at + 1 :]


def resized(code: str, rng: random.Random) -> Iterator[str]:
    for length in range(1, 20):
        yield code[:length]
        yield code[length:]
    for extra in range(1, 13):
        yield code + "".join(rng.choices("0123456789", k=extra))
        yield "".join(rng.choices("3456789", k=extra)) + code
    yield "0" + code
    yield code + "0"


def other_alphabets(code: str) -> Iterator[str]:
    for zero in UNICODE_DIGIT_ZEROS:
        yield "".join(chr(zero + int(digit)) for digit in code)
        yield chr(zero + int(code[0])) + code[1:]
        yield code[:-1] + chr(zero + int(code[-1]))
    for right, wrong in LOOKALIKES:
        yield code.replace(right, wrong) if right in code else wrong + code[1:]
    yield from (
        code + "=",
        code + "==",
        code + "L",
        "0b" + code,
        code[:10] + "_" + code[10:],
        code + "\u00b2",
    )


def payment_codes(rng: random.Random) -> Iterator[str]:
    for start in range(10, 16):
        yield f"{start}{rng.randrange(10**16):016d}"
    for start in range(25, 31):
        for length in (16, 18, 20, 24):
            yield str(start) + "".join(rng.choices("0123456789", k=length - 2))
    yield f"62{rng.randrange(10**17):017d}"


def with_control_characters(code: str) -> Iterator[str]:
    for control in (0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x0B, 0x0C, 0x1B, 0x1C, 0x1E, 0x1F, 0x7F, 0x85):
        yield code + chr(control)
        yield chr(control) + code
        yield code[:10] + chr(control) + code[10:]
    for inside in ("\r", "\n", "\t", "\x1d", "\r\n", "  ", "--", " -", "\n\n"):
        yield code[:10] + inside + code[10:]
    yield from ("-" + code, code + "-", "\r\n", "\x1d", " ", "-", "\t-\t")


def broken_unicode(code: str) -> Iterator[str]:
    for strange in (*FOREIGN_SPACES, *FOREIGN_MARKS):
        yield code + strange
        yield code[:4] + strange + code[4:]
    for raw in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88", b"\x80"):
        yield (raw + code.encode()).decode(errors="surrogateescape")
        yield (code.encode() + raw).decode(errors="replace")
