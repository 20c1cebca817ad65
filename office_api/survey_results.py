"""What a survey brought: figures for charts, as JSON and as a file, and what was written in words."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app.engagement import survey_results as story
from app.engagement.survey_questions import Question
from app.engagement.survey_results import Figures, Results, Text
from app.staff.roles import MANAGE_ACTIVITIES
from app.texts import say
from office_api.activities import mine
from office_api.guard import STAFF, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.schemas import QueryNumber, Strict
from web.sheets import CSV_TYPE, Cell, Sheet, to_csv

blueprint = Blueprint(
    "survey_results",
    __name__,
    url_prefix="/office/v1/activities/<string:activity_id>",
    description="What surveys brought",
)
guarded(blueprint, require_staff)

_Word = Callable[[str], str]


class WhichFormSchema(Strict):
    form_no = QueryNumber(
        load_default=None,
        validate=validate.Range(1, 2**31 - 1),
        metadata={"description": "of former questions; without it, those that are asked now"},
    )


class ResultsArguments(WhichFormSchema):
    by = fields.String(
        load_default="none",
        validate=validate.OneOf(("none", "store", "tier")),
        metadata={"description": "the home store, or the tier, when they answered"},
    )


class BarSchema(Strict):
    value = fields.Integer(required=True, metadata={"description": "an option's number, or of a scale"})
    label = fields.String(required=True, metadata={"description": "in the language asked for"})
    count = fields.Integer(required=True)
    share_bp = fields.Integer(
        required=True, metadata={"description": "of those who answered the question, in basis points"}
    )


class FiguresSchema(Strict):
    question_no = fields.Integer(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "in the language asked for"})
    answered = fields.Integer(required=True, metadata={"description": "how many answered this question"})
    bars = fields.List(fields.Nested(BarSchema()), required=True, metadata={"description": "for a chart"})
    mean_hundredths = fields.Integer(required=True, allow_none=True, metadata={"description": "of a scale"})
    nps = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "-100 to 100: promoters (9, 10) less detractors (up to 6), in percent"},
    )


class GroupSchema(Strict):
    key = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "code of the store or tier; empty: no home store; null: all others together"
        },
    )
    answers = fields.Integer(required=True)
    questions = fields.List(fields.Nested(FiguresSchema()), required=True)


class SurveyResultsSchema(Strict):
    form_no = fields.Integer(required=True)
    forms = fields.Integer(required=True, metadata={"description": "how many there have been"})
    anonymous = fields.Boolean(required=True)
    answers = fields.Integer(required=True)
    enough = fields.Boolean(
        required=True,
        metadata={
            "description": "false: an anonymous survey with fewer than five answers, which shows no figures"
        },
    )
    questions = fields.List(fields.Nested(FiguresSchema()), required=True)
    groups = fields.List(fields.Nested(GroupSchema()), required=True)


def _title(question: Question) -> str:
    return question.title_en if language() == "en" else question.title_zh


def _label(question: Question, value: int) -> str:
    if not question.options:
        return str(value)
    option = question.options[value - 1]
    return option.name_en if language() == "en" else option.name_zh


def _dump_figures(figures: Figures) -> dict[str, Any]:
    question = figures.question
    return {
        "question_no": figures.question_no,
        "kind": question.kind,
        "title": _title(question),
        "answered": figures.answered,
        "bars": [asdict(bar) | {"label": _label(question, bar.value)} for bar in figures.bars],
        "mean_hundredths": figures.mean_hundredths,
        "nps": figures.nps,
    }


def _dump(found: Results) -> dict[str, Any]:
    return {
        "form_no": found.form.form_no,
        "forms": found.forms,
        "anonymous": found.form.anonymous,
        "answers": found.answers,
        "enough": found.enough,
        "questions": [_dump_figures(figures) for figures in found.questions],
        "groups": [
            {
                "key": group.key,
                "answers": group.answers,
                "questions": [_dump_figures(figures) for figures in group.questions],
            }
            for group in found.groups
        ],
    }


def _read(arguments: dict[str, Any], activity_id: str) -> Results:
    """Of a survey the caller may see, what members at home in the caller's stores have answered."""
    return story.results(
        activity_id=mine(activity_id).id,
        form_no=arguments["form_no"],
        by=arguments["by"],
        stores=my_stores(MANAGE_ACTIVITIES),
    )


@blueprint.get("/survey-results")
@blueprint.arguments(ResultsArguments(), location="query")
@blueprint.response(200, SurveyResultsSchema())
@blueprint.doc(security=STAFF)
def results(arguments: dict[str, Any], activity_id: str) -> Response:
    """Counts, shares, means and NPS of each question; of members at home in one's own stores."""
    return answer(_dump(_read(arguments, activity_id)))


_HEADINGS = (
    "form",
    "group",
    "question_no",
    "question",
    "answered",
    "choice",
    "count",
    "share",
    "mean",
    "nps",
)


def _rows(found: Results, word: _Word) -> Iterator[tuple[Cell, ...]]:
    for figures in found.questions:
        yield from _rows_of(found, word("all"), figures)
    for group in found.groups:
        name = word("others") if group.key is None else group.key or word("no_store")
        for figures in group.questions:
            yield from _rows_of(found, name, figures)


def _rows_of(found: Results, group: str, figures: Figures) -> Iterator[tuple[Cell, ...]]:
    about = (found.form.form_no, group, figures.question_no, _title(figures.question), figures.answered)
    mean = "" if figures.mean_hundredths is None else Decimal(figures.mean_hundredths).scaleb(-2)
    nps = "" if figures.nps is None else figures.nps
    for bar in figures.bars:
        share = Decimal(bar.share_bp).scaleb(-2)
        yield (*about, _label(figures.question, bar.value), bar.count, share, mean, nps)
    if not figures.bars:
        yield (*about, "", "", "", "", "")


@blueprint.get("/survey-results.csv")
@blueprint.arguments(ResultsArguments(), location="query")
@blueprint.doc(
    security=STAFF,
    responses={
        "200": {
            "description": "a row for each choice, in UTF-8 with a byte order mark",
            "content": {CSV_TYPE.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def as_csv(arguments: dict[str, Any], activity_id: str) -> Response:
    """The same figures for a spreadsheet."""

    def word(key: str) -> str:
        return say(f"survey.{key}", language())

    found = _read(arguments, activity_id)
    headings = [word(key) for key in _HEADINGS]
    content = to_csv(Sheet(name="survey", headings=headings, rows=list(_rows(found, word))))
    name = f"survey-{activity_id}-{found.form.form_no}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, content_type=CSV_TYPE, headers=headers)


class TextsArguments(PageArguments, WhichFormSchema):
    pass


class SurveyTextSchema(Strict):
    text = fields.String(required=True)
    member_no = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    member = fields.String(
        required=True, allow_none=True, metadata={"description": "masked; null in anonymous surveys"}
    )
    store = fields.String(required=True, allow_none=True, metadata={"description": "the home store"})
    tier = fields.String(required=True, allow_none=True)
    answered_on = fields.Date(required=True, allow_none=True)


def _dump_text(one: Text) -> dict[str, Any]:
    told = asdict(one)
    del told["id"]
    return told


@blueprint.get("/survey-texts/<int:question_no>")
@blueprint.arguments(TextsArguments(), location="query")
@blueprint.response(200, page_of(SurveyTextSchema))
@blueprint.doc(security=STAFF)
def texts(arguments: dict[str, Any], activity_id: str, question_no: int) -> Response:
    """What was written to one question, the newest first; of an anonymous survey in no order and without a name."""
    wanted = asked(arguments)
    found = story.texts(
        activity_id=mine(activity_id).id,
        form_no=arguments["form_no"],
        question_no=question_no,
        stores=my_stores(MANAGE_ACTIVITIES),
        limit=wanted.limit + 1,
        before=wanted.after,
    )
    return answer(page(found, wanted, lambda one: one.id, _dump_text))
