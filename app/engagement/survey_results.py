"""What a survey brought: figures for charts, by store or tier, and what was written. Counted by the database."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.engagement.survey_forms import Form, form_of
from app.engagement.survey_questions import SCALES, Question
from app.errors import NotFound
from app.tiers.card import masked_name, masked_no

By = Literal["none", "store", "tier"]
#: Fewer answers to an anonymous survey, together or in a group, would come close to telling whose they are.
LEAST_ANONYMOUS = 5
#: More of them nobody can read; the smaller ones stand together.
MOST_GROUPS = 50
_PROMOTER, _DETRACTOR = 9, 6


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How often `value` was picked; `share_bp` of those who answered the question, in basis points."""

    value: int
    count: int
    share_bp: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one question. `mean_hundredths` of a scale; `nps` from -100 to 100: promoters (9, 10) less detractors (up to
    6), in percent."""

    question_no: int
    question: Question
    answered: int
    bars: tuple[Bar, ...]
    mean_hundredths: int | None
    nps: int | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """`key` is a store's or a tier's code, empty for members with no home store; None: all others together."""

    key: str | None
    answers: int
    questions: tuple[Figures, ...]


@dataclass(frozen=True, kw_only=True)
class Results:
    """`enough`: false while there are too few answers to an anonymous survey; then there are no figures."""

    form: Form
    forms: int
    answers: int
    enough: bool
    questions: tuple[Figures, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class Text:
    """Who wrote it (masked), where they are at home and when is None in an anonymous survey."""

    id: str
    text: str
    member_no: str | None
    member: str | None
    store: str | None
    tier: str | None
    answered_on: date | None


_FORM = text("""
    SELECT f.form_no, f.anonymous, f.questions, n.forms FROM survey_forms f
    CROSS JOIN (SELECT max(form_no) AS forms FROM survey_forms WHERE activity_id = :id) n
    WHERE f.activity_id = :id AND f.form_no = coalesce(CAST(:form_no AS integer), n.forms)""")
_SAID = """
    FROM survey_answers a LEFT JOIN stores s ON s.id = a.store_id
    WHERE a.activity_id = :id AND a.form_no = :form_no
        AND (CAST(:stores AS bigint[]) IS NULL OR a.store_id = ANY(:stores))"""
# Groups smaller than `least` stand together; if they are still fewer, the smallest of the others joins them: else they
# would be told by what is missing in the whole.
_COUNTS = f"""
    WITH said AS MATERIALIZED (SELECT a.picks, a.texts,
            CASE CAST(:by AS text) WHEN 'store' THEN coalesce(s.code, '') WHEN 'tier' THEN a.tier ELSE '' END AS key
        {_SAID}),
    ranked AS (SELECT key, n, sum(CASE WHEN n < :least THEN n ELSE 0 END) OVER () AS small,
            row_number() OVER (ORDER BY n >= :least DESC, n, key) AS from_below,
            row_number() OVER (ORDER BY n DESC, key) AS place
        FROM (SELECT key, count(*) AS n FROM said GROUP BY key) k),
    kept AS (SELECT key FROM ranked WHERE n >= :least AND place <= :most
        AND NOT (small BETWEEN 1 AND CAST(:least AS integer) - 1 AND from_below = 1)),
    grouped AS MATERIALIZED (SELECT k.key, a.picks, a.texts FROM said a LEFT JOIN kept k ON k.key = a.key)
    SELECT key, '0' AS question, NULL AS value, count(*) AS n, count(*) AS answered FROM grouped GROUP BY key
    UNION ALL
    SELECT key, q, NULL, count(*), count(*) FROM grouped, jsonb_object_keys(texts) q GROUP BY key, q
    UNION ALL
    SELECT g.key, p.key, v.value, count(*), count(*) FILTER (WHERE v.place = 1)
    FROM grouped g, jsonb_each(picks) p, jsonb_array_elements_text(p.value) WITH ORDINALITY AS v (value, place)
    GROUP BY g.key, p.key, v.value"""  # noqa: S608  # constants of our own
_TEXTS = text("""
    SELECT a.id, a.texts ->> CAST(:question AS text) AS text, m.member_no, m.name, s.code AS store, a.tier,
        a.answered_on
    FROM survey_answers a LEFT JOIN stores s ON s.id = a.store_id LEFT JOIN members m ON m.id = a.member_id
    WHERE a.activity_id = :id AND a.form_no = :form_no
        AND (CAST(:stores AS bigint[]) IS NULL OR a.store_id = ANY(:stores))
        AND jsonb_exists(a.texts, CAST(:question AS text))
        AND (CAST(:before AS varchar) IS NULL OR a.id < :before)
    ORDER BY a.id DESC LIMIT :limit""")
#: For a large chain's survey; nobody else waits for it.
_PATIENCE = text("SET LOCAL statement_timeout = '60s'")
_TOTAL = text(f"SELECT count(*) {_SAID}")


def results(*, activity_id: str, form_no: int | None, by: By, stores: Collection[int] | None) -> Results:
    """Of a form (None: the newest), of members at home in `stores` (None: all, and those at home in none).

    Raises `NotFound`.
    """
    with transaction() as session:
        session.execute(_PATIENCE)
        form, forms = _form(session, activity_id, form_no)
        least = LEAST_ANONYMOUS if form.anonymous else 1
        values = _values(activity_id, form, stores) | {"by": by, "least": least, "most": MOST_GROUPS}
        counts = _Counts(session.execute(text(_COUNTS), values).all())
    enough = counts.answers(None) >= least
    groups = counts.keys() if by != "none" and enough else []
    return Results(
        form=form,
        forms=forms,
        answers=counts.answers(None),
        enough=enough,
        questions=_figures(form, counts, None) if enough else (),
        groups=tuple(
            Group(key=key[0], answers=counts.answers(key), questions=_figures(form, counts, key))
            for key in groups
        ),
    )


def texts(
    *,
    activity_id: str,
    form_no: int | None,
    question_no: int,
    stores: Collection[int] | None,
    limit: int,
    before: str | None,
) -> list[Text]:
    """What was written to one question, the newest first; of an anonymous survey in no order, once there are enough.

    Raises `NotFound`, also for a question that is not answered in words.
    """
    with reading() as connection:
        form, _ = _form(connection, activity_id, form_no)
        if not 1 <= question_no <= len(form.questions) or form.questions[question_no - 1].kind != "text":
            raise NotFound
        values = _values(activity_id, form, stores)
        if form.anonymous and connection.execute(_TOTAL, values).scalar_one() < LEAST_ANONYMOUS:
            return []
        page = {"question": str(question_no), "limit": limit, "before": before}
        return [_text(row, form) for row in connection.execute(_TEXTS, values | page)]


def _form(connection: Connection | Session, activity_id: str, form_no: int | None) -> tuple[Form, int]:
    row = connection.execute(_FORM, {"id": activity_id, "form_no": form_no}).one_or_none()
    if row is None:
        raise NotFound
    return form_of(row), row.forms


def _values(activity_id: str, form: Form, stores: Collection[int] | None) -> dict[str, Any]:
    within = None if stores is None else sorted(stores)
    return {"id": activity_id, "form_no": form.form_no, "stores": within}


def _text(row: Any, form: Form) -> Text:
    if form.anonymous:
        return Text(
            id=row.id, text=row.text, member_no=None, member=None, store=None, tier=None, answered_on=None
        )
    nobody = row.member_no is None
    return Text(
        id=row.id,
        text=row.text,
        member_no=None if nobody else masked_no(row.member_no),
        member=None if nobody else masked_name(row.name),
        store=row.store,
        tier=row.tier,
        answered_on=row.answered_on,
    )


#: A group's key in a tuple of one, for that of the others is None.
_Key = tuple[str | None]


class _Counts:
    """What the database counted: by group, question (0: all answers) and value (None: whoever answered it)."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._counts: Counter[tuple[_Key | None, int, int | None]] = Counter()
        for row in rows:
            for key in ((row.key,), None):
                self._counts[key, int(row.question), None] += row.answered
                if row.value is not None:
                    self._counts[key, int(row.question), int(row.value)] += row.n

    def keys(self) -> list[_Key]:
        """The largest group first, the others last."""
        found = [key for key, question, _ in self._counts if key is not None and question == 0]
        return sorted(found, key=lambda key: (key[0] is None, -self.answers(key), key[0]))

    def answers(self, key: _Key | None) -> int:
        return self.of(key, 0)

    def of(self, key: _Key | None, question: int, value: int | None = None) -> int:
        return self._counts[key, question, value]


def _figures(form: Form, counts: _Counts, key: _Key | None) -> tuple[Figures, ...]:
    return tuple(_of(number, question, counts, key) for number, question in enumerate(form.questions, 1))


def _of(number: int, question: Question, counts: _Counts, key: _Key | None) -> Figures:
    answered = counts.of(key, number)
    picked = {value: counts.of(key, number, value) for value in question.values}
    mean = nps = None
    if question.kind in SCALES and answered:
        mean = _rounded(sum(value * n for value, n in picked.items()) * 100, answered)
    if question.kind == "nps" and answered:
        for_us = sum(n for value, n in picked.items() if value >= _PROMOTER)
        nps = _rounded((for_us - sum(n for v, n in picked.items() if v <= _DETRACTOR)) * 100, answered)
    return Figures(
        question_no=number,
        question=question,
        answered=answered,
        bars=tuple(
            Bar(value=value, count=n, share_bp=_rounded(n * 10_000, answered) if answered else 0)
            for value, n in picked.items()
        ),
        mean_hundredths=mean,
        nps=nps,
    )


def _rounded(of: int, by: int) -> int:
    """Half away from zero."""
    size = (abs(of) * 2 + by) // (by * 2)
    return size if of >= 0 else -size
