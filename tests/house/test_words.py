"""Whatever the books say has a word for people, in Chinese and English."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from app.texts.malformed import malformed_text
from app.texts.words import TEXTS
from tests.conftest import ROOT


def written(call: str, argument: str) -> set[str]:
    """What the product gives as `argument` wherever it makes a `call`; it must stand there as a literal."""
    found = set()
    for value in _values(call, argument):
        assert isinstance(value, ast.Constant), f"line {value.lineno}: {call}({argument}=…) is not a literal"
        found.add(str(value.value))
    return found


def _values(call: str, argument: str) -> Iterator[ast.expr]:
    for name, node in _calls():
        if name == call:
            yield from (keyword.value for keyword in node.keywords if keyword.arg == argument)


@cache
def _calls() -> list[tuple[str, ast.Call]]:
    """Every call of the product that names its arguments, by the last word of what is called."""
    return [
        (ast.unparse(node.func).split(".")[-1], node)
        for path in sorted((ROOT / "app").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.keywords
    ]


def test_every_kind_of_movement_has_a_word() -> None:
    kinds = written("Cause", "kind")
    assert "earn" in kinds
    assert sorted(kind for kind in kinds if f"entry.{kind}" not in TEXTS) == []


def test_every_account_of_the_house_has_a_word() -> None:
    houses = written("Posting", "house")
    assert "points_issued" in houses
    assert sorted(house for house in houses if f"house.{house}" not in TEXTS) == []


def test_every_kind_of_message_has_its_words() -> None:
    kinds = {key.split(".")[1] for key in TEXTS if key.startswith("message.")}
    assert kinds
    for kind in kinds:
        assert {f"message.{kind}.title", f"message.{kind}.body"} <= set(TEXTS)


def test_every_word_is_there_in_both_languages_with_the_same_places() -> None:
    for key, (zh, en) in TEXTS.items():
        assert re.search(r"[\u4e00-\u9fff]", zh), key
        assert en, key
        assert not re.search(r"[\u4e00-\u9fff]", en), key
        places = [sorted(re.findall(r"{(\w+)}", words)) for words in (zh, en)]
        assert places[0] == places[1], key


def test_whatever_does_not_fit_together_is_said_in_words() -> None:
    """A marketer is not sent to read `reason`, which is for programs and English."""
    for call, code in (
        ("FaceMalformed", "coupon_malformed"),
        ("RewardMalformed", "reward_malformed"),
        ("EventMalformed", "event_malformed"),
        ("ActivityMalformed", "activity_malformed"),
    ):
        reasons = {_sample(value) for value in _values(call, "reason")} - {None}
        if call == "EventMalformed":
            reasons |= set(_faults("app/engagement/events/event.py", "app/engagement/events/change.py"))
        assert reasons, call
        for reason in sorted(filter(None, reasons)):
            for language in ("zh", "en"):
                assert malformed_text(code, reason, language), (code, reason, language)


def _sample(value: ast.expr) -> str | None:
    """A reason as it may be, with a 7 where something is filled in; None where it comes from elsewhere."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in value.values)
    return None


def _faults(*paths: str) -> Iterator[str]:
    """What these modules answer, or note, before they raise."""
    for path in paths:
        found = re.findall(r'(?:return|fault =) "([^"]+)"', (ROOT / path).read_text(encoding="utf-8"))
        assert found, path
        yield from found
