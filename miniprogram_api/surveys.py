"""Surveys on the phone: what is asked, and answering it once."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement import survey as story
from app.engagement import survey_shown
from app.engagement.survey_questions import MOST_CHARS, MOST_OPTIONS, MOST_QUESTIONS, Given, Question
from app.engagement.survey_shown import ShownSurvey
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.parts import parts
from web.schemas import Strict, prose, whole

blueprint = Blueprint("surveys", __name__, url_prefix="/api/v1/surveys", description="Surveys")
guarded(blueprint, require_member)

#: Nobody taps so often.
PER_MEMBER = Limit("survey_answers", 30, 60)


class SurveyGiftSchema(Strict):
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)


class ShownSurveySchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    anonymous = fields.Boolean(required=True, metadata={"description": "nobody is told who said what"})
    form_no = fields.Integer(required=True, metadata={"description": "to be sent with the answer"})
    questions = fields.Integer(required=True, metadata={"description": "how many"})
    reward = fields.Nested(SurveyGiftSchema(), required=True)
    reward_left = fields.Boolean(
        required=True, metadata={"description": "false: answers are welcome, the rewards are gone"}
    )
    for_me = fields.Boolean(required=True, metadata={"description": "whether the member may answer now"})
    answered = fields.Boolean(required=True, metadata={"description": "by this member"})


class ChoiceSchema(Strict):
    value = fields.Integer(required=True)
    label = fields.String(required=True)


class ShownQuestionSchema(Strict):
    question_no = fields.Integer(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    required = fields.Boolean(required=True)
    choices = fields.List(
        fields.Nested(ChoiceSchema()), required=True, metadata={"description": "none: text"}
    )
    at_least = fields.Integer(required=True, metadata={"description": "so many are picked, if any"})
    at_most = fields.Integer(required=True)
    most_chars = fields.Integer(required=True, allow_none=True, metadata={"description": "of a text"})


class WholeSurveySchema(ShownSurveySchema):
    asks = fields.List(fields.Nested(ShownQuestionSchema()), required=True)


def _dump(shown: ShownSurvey) -> dict[str, Any]:
    reward = shown.reward
    return {
        "id": shown.id,
        "name": shown.name_en if language() == "en" else shown.name_zh,
        "ends_at": shown.ends_at,
        "anonymous": shown.form.anonymous,
        "form_no": shown.form.form_no,
        "questions": len(shown.form.questions),
        "reward": {"points": reward.points, "coupons": reward.coupons, "chances": reward.chances},
        "reward_left": shown.reward_left,
        "for_me": shown.for_me and not shown.answered,
        "answered": shown.answered,
    }


def _dump_question(number: int, question: Question) -> dict[str, Any]:
    english, multiple = language() == "en", question.kind == "multiple"
    names = [option.name_en if english else option.name_zh for option in question.options]
    return {
        "question_no": number,
        "kind": question.kind,
        "title": question.title_en if english else question.title_zh,
        "required": question.required,
        "choices": [
            {"value": value, "label": names[value - 1] if names else str(value)} for value in question.values
        ],
        "at_least": question.at_least,
        "at_most": (question.at_most or len(names)) if multiple else 1,
        "most_chars": question.most_chars if question.kind == "text" else None,
    }


def _dump_whole(shown: ShownSurvey) -> dict[str, Any]:
    asks = [_dump_question(number, question) for number, question in enumerate(shown.form.questions, 1)]
    return _dump(shown) | {"asks": asks}


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(ShownSurveySchema))
@blueprint.doc(security=MEMBER)
def list_surveys(arguments: dict[str, Any]) -> Response:
    """Surveys that are on, the oldest first."""
    wanted = asked(arguments)
    found = survey_shown.surveys(
        member_id=me().id, limit=wanted.limit + 1, after=wanted.after, now=clock.now()
    )
    return answer(page(found, wanted, lambda shown: shown.id, _dump))


@blueprint.get("/<string:survey_id>")
@blueprint.response(200, WholeSurveySchema())
@blueprint.doc(security=MEMBER)
def show(survey_id: str) -> Response:
    """One survey with its questions: one that is on for the member, or that they have answered."""
    shown = survey_shown.one_survey(activity_id=survey_id, member_id=me().id, now=clock.now())
    return answer(_dump_whole(shown))


class GivenAnswerSchema(Strict):
    question = whole(1, MOST_QUESTIONS, required=True, metadata={"description": "its number"})
    picks = fields.List(
        whole(0, MOST_OPTIONS),
        load_default=list,
        validate=validate.Length(0, MOST_OPTIONS),
        metadata={"description": "numbers of options, or the one of a scale"},
    )
    text = prose(MOST_CHARS, load_default="")


class SurveyAnswerSchema(Strict):
    form_no = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was shown"})
    answers = fields.List(
        fields.Nested(GivenAnswerSchema()), required=True, validate=validate.Length(0, MOST_QUESTIONS)
    )


class SurveyAnsweredSchema(SurveyGiftSchema):
    reward = fields.String(
        required=True,
        validate=validate.OneOf(("none", "given", "used_up")),
        metadata={"description": "used_up: the answer counts, the rewards are gone"},
    )


@blueprint.post("/<string:survey_id>/answer")
@blueprint.arguments(SurveyAnswerSchema())
@blueprint.response(201, SurveyAnsweredSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def give(arguments: dict[str, Any], survey_id: str) -> Response:
    """Answer it, once. What belongs to the answer is given with it."""
    parts().throttle.hit(PER_MEMBER, me().id)
    done = story.answer(
        member_id=me().id,
        activity_id=survey_id,
        form_no=arguments["form_no"],
        given=[Given(**one) for one in arguments["answers"]],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(asdict(done), 201)
