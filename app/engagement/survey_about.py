"""What members said of an activity: the surveys that ask about it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text

from app.db import reading
from app.engagement.survey_results import Figures, results

#: Of more surveys about one activity the newest.
MOST_SURVEYS = 5
_ABOUT = text("""
    SELECT a.id, a.name_zh, a.name_en FROM activities a
    WHERE a.kind = 'survey' AND a.definition ->> 'about' = :id
        AND EXISTS (SELECT FROM survey_forms f WHERE f.activity_id = a.id)
    ORDER BY a.id DESC LIMIT :most""")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a survey's scales came to, of its newest form; no `scales` while there are too few answers to tell."""

    activity_id: str
    name_zh: str
    name_en: str
    answers: int
    scales: tuple[Figures, ...]


def opinions(*, activity_id: str, stores: Collection[int] | None) -> list[Opinion]:
    """Of members at home in `stores` (None: all), the newest survey first; empty when nobody was asked."""
    with reading() as connection:
        found = connection.execute(_ABOUT, {"id": activity_id, "most": MOST_SURVEYS}).all()
    told = []
    for row in found:
        came = results(activity_id=row.id, form_no=None, by="none", stores=stores)
        scales = tuple(one for one in came.questions if one.mean_hundredths is not None)
        told.append(
            Opinion(
                activity_id=row.id,
                name_zh=row.name_zh,
                name_en=row.name_en,
                answers=came.answers,
                scales=scales,
            )
        )
    return told
