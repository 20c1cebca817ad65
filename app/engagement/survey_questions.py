"""What a survey asks, as data, and whether an answer fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from app.errors import Invalid

QuestionKind = Literal["single", "multiple", "stars", "nps", "text"]
QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)
MOST_QUESTIONS = 30
MOST_OPTIONS = 20
MOST_CHARS = 1_000
#: From the worst to the best, both included.
SCALES: dict[str, tuple[int, int]] = {"stars": (1, 5), "nps": (0, 10)}


class AnswerInvalid(Invalid):
    """Data: `question`, its number from 1; `reason`, what does not fit."""

    code = "survey_answer_invalid"


class Option(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name_zh: Annotated[str, Meta(min_length=1, max_length=60)]
    name_en: Annotated[str, Meta(min_length=1, max_length=100)]


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`single` and `multiple` are answered by numbers of `options`, from 1; `stars` by 1 to 5; `nps` by 0 to 10, how
    likely one recommends us; `text` by at most `most_chars` characters. Of `multiple`, `at_least` to `at_most` (None:
    any number) are picked."""

    kind: QuestionKind
    title_zh: Annotated[str, Meta(min_length=1, max_length=100)]
    title_en: Annotated[str, Meta(min_length=1, max_length=200)]
    required: bool = True
    options: Annotated[tuple[Option, ...], Meta(max_length=MOST_OPTIONS)] = ()
    at_least: Annotated[int, Meta(ge=1, le=MOST_OPTIONS)] = 1
    at_most: Annotated[int, Meta(ge=1, le=MOST_OPTIONS)] | None = None
    most_chars: Annotated[int, Meta(ge=1, le=MOST_CHARS)] = 500

    @property
    def values(self) -> range:
        """What may be picked; nothing of a text."""
        if self.kind in SCALES:
            low, high = SCALES[self.kind]
            return range(low, high + 1)
        return range(1, len(self.options) + 1)

    @property
    def fault(self) -> str | None:
        """What does not fit together in it."""
        if self.kind in ("single", "multiple") and len(self.options) < 2:
            return "there are at least two options"
        if self.kind not in ("single", "multiple") and self.options:
            return f"{self.kind} has no options"
        if self.kind == "multiple":
            most = self.at_most or len(self.options)
            return (
                None if self.at_least <= most <= len(self.options) else "at_least and at_most fit no options"
            )
        return None if (self.at_least, self.at_most) == (1, None) else "at_least and at_most go with multiple"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a member says to one question: numbers, or text."""

    question: int
    picks: Sequence[int] = ()
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """By question number, those that were answered; `picks` in ascending order."""

    picks: dict[str, list[int]]
    texts: dict[str, str]


def checked(questions: Sequence[Question], given: Iterable[Given]) -> Answers:
    """The answers, if they fit the questions. Raises `AnswerInvalid`."""
    said: dict[int, Given] = {}
    for one in given:
        if not 1 <= one.question <= len(questions):
            raise AnswerInvalid(question=one.question, reason="there is no such question")
        if one.question in said:
            raise AnswerInvalid(question=one.question, reason="answered twice")
        said[one.question] = one
    picks: dict[str, list[int]] = {}
    texts: dict[str, str] = {}
    for number, question in enumerate(questions, 1):
        one = said.get(number, Given(question=number))
        if (fault := _fault(question, one)) is not None:
            raise AnswerInvalid(question=number, reason=fault)
        if one.picks:
            picks[str(number)] = sorted(one.picks)
        if one.text.strip():
            texts[str(number)] = one.text.strip()
    return Answers(picks=picks, texts=texts)


def _fault(question: Question, given: Given) -> str | None:
    text = given.text.strip()
    if question.kind == "text":
        if given.picks:
            return "answered in words"
        if len(text) > question.most_chars:
            return f"at most {question.most_chars} characters"
        return "required" if question.required and not text else None
    if text:
        return "answered by numbers"
    if not given.picks:
        return "required" if question.required else None
    return _fault_of_picks(question, given.picks)


def _fault_of_picks(question: Question, picks: Sequence[int]) -> str | None:
    if len(set(picks)) != len(picks) or any(pick not in question.values for pick in picks):
        return f"from {question.values[0]} to {question.values[-1]}, each once"
    least, most = (
        (question.at_least, question.at_most or len(question.options))
        if question.kind == "multiple"
        else (1, 1)
    )
    return None if least <= len(picks) <= most else f"{least} to {most} of them"
