"""The brand's subscribe templates: which there are, of which class, and when members are asked for them.

The class says whether opt-outs and caps hold for a template. So who only makes activities registers marketing; what
calls itself a service is registered by who manages rules. The receipt's template is a setting and does not stand here.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
from app.errors import Conflict, NotFound, VersionConflict
from app.messages.may import Category
from app.messages.models import SubscribeTemplate
from app.staff.roles import MANAGE_ACTIVITIES, MANAGE_RULES, Grant, require


class SubscribeTemplateTaken(Conflict):
    """WeChat's id of it stands in the list already, or is the receipt's."""

    code = "subscribe_template_taken"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """See `SubscribeTemplate`; `fields` are pairs of WeChat's key and what the template calls it."""

    name: str
    category: Category
    long_term: bool
    fields: tuple[tuple[str, str], ...]
    page: str
    asked_when: str
    enough: int
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Template(Draft):
    id: int
    template_id: str
    version: int


def listing(*, limit: int, after: int | None) -> list[Template]:
    """By number, retired ones among them."""
    query = select(SubscribeTemplate.__table__).where(SubscribeTemplate.id > (after or 0))
    with reading() as connection:
        rows = connection.execute(query.order_by(SubscribeTemplate.id).limit(limit)).all()
    return [_template(SubscribeTemplate(**row._mapping)) for row in rows]


def add(
    *,
    template_id: str,
    draft: Draft,
    receipt: str | None,
    actor: audit.Actor,
    grants: tuple[Grant, ...],
    now: datetime,
) -> Template:
    """Register WeChat's `template_id`; `receipt` is the setting's. Raises `Forbidden`, `SubscribeTemplateTaken`."""
    _check_right(grants, draft.category)
    if template_id == receipt:
        raise SubscribeTemplateTaken
    try:
        with transaction() as session:
            row = session.execute(
                insert(SubscribeTemplate)
                .values(template_id=template_id, created_at=now, **_columns(draft))
                .returning(SubscribeTemplate)
            ).scalar_one()
            return _recorded(session, row, "subscribe_template.add", actor, now)
    except IntegrityError as error:
        raise SubscribeTemplateTaken from error


def change(
    *,
    template_no: int,
    version: int,
    draft: Draft,
    actor: audit.Actor,
    grants: tuple[Grant, ...],
    now: datetime,
) -> Template:
    """Whole, all but WeChat's id; `active` false retires it: nobody is asked for it and nothing is sent by it.

    Raises `NotFound`, `VersionConflict`, `Forbidden` for who may not decide what it was or what it becomes.
    """
    _check_right(grants, draft.category)
    with transaction() as session:
        wanted = select(SubscribeTemplate).where(SubscribeTemplate.id == template_no).with_for_update()
        row = session.execute(wanted).scalar_one_or_none()
        if row is None:
            raise NotFound
        _check_right(grants, row.category)
        if row.version != version:
            raise VersionConflict(version=row.version)
        for column, value in _columns(draft).items():
            setattr(row, column, value)
        row.version += 1
        session.flush()
        return _recorded(session, row, "subscribe_template.change", actor, now)


def _check_right(grants: Sequence[Grant], category: str) -> None:
    require(tuple(grants), MANAGE_RULES if category == "service" else MANAGE_ACTIVITIES, None)


def _columns(draft: Draft) -> dict[str, object]:
    return asdict(draft) | {"fields": [{"key": key, "label": label} for key, label in draft.fields]}


def _recorded(
    session: Session, row: SubscribeTemplate, action: str, actor: audit.Actor, now: datetime
) -> Template:
    made = _template(row)
    told = asdict(made)
    del told["id"]
    audit.record(session, actor, action, "subscribe_template", row.id, now=now, **told)
    return made


def _template(row: SubscribeTemplate) -> Template:
    return Template(
        id=row.id,
        template_id=row.template_id,
        name=row.name,
        category="marketing" if row.category == "marketing" else "service",
        long_term=row.long_term,
        fields=tuple((field["key"], field["label"]) for field in row.fields),
        page=row.page,
        asked_when=row.asked_when,
        enough=row.enough,
        active=row.active,
        version=row.version,
    )
