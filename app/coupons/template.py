"""A template as its row and faces have it: looked at, locked, and written. The stories are in change_template.py."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.coupons.face import Face, face_of
from app.coupons.models import CouponFace, CouponStock, CouponTemplate
from app.coupons.terms import Terms, terms_of
from app.db import into
from app.errors import Conflict, NotFound, VersionConflict
from app.ids import new_secret

#: What the picture of a mini-program page can carry (wxacode.getUnlimited, `scene`).
MOST_OF_A_SCENE = 32


class CouponStockBelowIssued(Conflict):
    """As many are out already. Data: `issued`."""

    code = "coupon_stock_below_issued"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a template promises, and to whom."""

    face: Face
    terms: Terms

    @property
    def stores(self) -> frozenset[int] | None:
        return self.face.conditions.stores


@dataclass(frozen=True, kw_only=True)
class Template(Draft):
    """A template as it stands. One whose review came to nothing is a `draft`.

    `pending_approval_id`: the newest request that waits for a second person, if it can still be carried out; with their
    word it has `pending_terms`.
    """

    id: str
    version: int
    state: str
    face_version: int
    claim_key: str | None
    created_at: datetime
    pending_approval_id: str | None
    pending_terms: Terms | None


#: The state people see: a review that was rejected closes by itself, one that expired or came to nothing does not.
STATE = """CASE WHEN t.state = 'in_review' AND NOT EXISTS (SELECT FROM approval_requests r
        WHERE r.kind = 'coupon_template' AND r.subject = t.id AND r.state = 'pending' AND r.expires_at > :now)
    THEN 'draft' ELSE t.state END"""
#: Of requests about another version none will be carried out.
_PENDING = """LEFT JOIN LATERAL (SELECT r.id, r.details -> 'terms' AS terms FROM approval_requests r
        WHERE r.kind = 'coupon_template' AND r.subject = t.id AND r.state = 'pending' AND r.expires_at > :now
            AND CAST(r.details ->> 'version' AS integer) = t.version
        ORDER BY r.id DESC LIMIT 1) p ON true"""
SELECTED = f"""
    SELECT t.id, t.version, {STATE} AS state, t.face_version, t.per_member, t.per_member_a_day, t.per_clerk_a_day,
        t.in_centre, t.claim_key, t.claim_from, t.claim_until, t.created_at, f.face, s.stock,
        p.id AS pending_approval_id, p.terms AS pending_terms
    FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id {_PENDING}"""  # noqa: S608  # constants of our own
_ONE = text(f"{SELECTED} WHERE t.id = :id")
_FACES_ONE_AFTER_ANOTHER = text("SELECT pg_advisory_xact_lock(hashtextextended('coupon_faces', 0))")
# Waits for whoever is issuing, and lets nobody issue until the transaction ends: their coupons point at this row.
_NOBODY_ISSUES = text("SELECT FROM coupon_templates WHERE id = :id FOR UPDATE")
_ISSUED = text("SELECT count(*) FROM coupons WHERE template_id = :id")


def template_of(row: Any) -> Template:
    """From a row of `SELECTED`."""
    return Template(
        id=row.id,
        version=row.version,
        state=row.state,
        face=face_of(row.face),
        face_version=row.face_version,
        claim_key=row.claim_key,
        created_at=row.created_at,
        pending_approval_id=row.pending_approval_id,
        pending_terms=None if row.pending_terms is None else terms_of(row.pending_terms),
        terms=Terms(
            per_member=row.per_member,
            per_member_a_day=row.per_member_a_day,
            per_clerk_a_day=row.per_clerk_a_day,
            in_centre=row.in_centre,
            by_link=row.claim_key is not None,
            claim_from=row.claim_from,
            claim_until=row.claim_until,
            stock=row.stock,
        ),
    )


def load(session: Session, template_id: str, *, now: datetime) -> Template:
    """Raises `NotFound`."""
    row = session.execute(_ONE, {"id": template_id, "now": now}).one_or_none()
    if row is None:
        raise NotFound
    return template_of(row)


def locked(session: Session, template_id: str, version: int, *, now: datetime) -> Template:
    """For whoever changes it; coupons of it may be issued meanwhile. Raises `NotFound`, `VersionConflict`."""
    row = select(CouponTemplate.id).where(CouponTemplate.id == template_id)
    session.execute(row.with_for_update(key_share=True))
    found = load(session, template_id, now=now)
    if found.version != version:
        raise VersionConflict(version=found.version)
    return found


def add(session: Session, template_id: str, draft: Draft, staff_id: int | None, now: datetime) -> None:
    """A draft, version 1."""
    session.execute(
        into(CouponTemplate),
        {
            "id": template_id,
            "version": 1,
            "state": "draft",
            "face_version": 1,
            "created_by": staff_id,
            "created_at": now,
            **_columns(draft.terms, None),
        },
    )
    _add_face(session, template_id, 1, draft.face, now)
    if draft.terms.stock is not None:
        session.execute(
            into(CouponStock),
            {
                "template_id": template_id,
                "stock": draft.terms.stock,
            },
        )


def write(session: Session, former: Template, draft: Draft, *, state: str, now: datetime) -> None:
    """The next version; what members hold keeps the face it has. Raises `CouponStockBelowIssued`."""
    face_version = former.face_version
    if draft.face != former.face:
        face_version += 1
        _add_face(session, former.id, face_version, draft.face, now)
    session.execute(
        update(CouponTemplate)
        .where(CouponTemplate.id == former.id)
        .values(
            version=former.version + 1,
            state=state,
            face_version=face_version,
            **_columns(draft.terms, former.claim_key),
        )
    )
    if draft.terms.stock != former.terms.stock:
        _write_stock(session, former.id, former.terms.stock, draft.terms.stock)


def set_state(session: Session, former: Template, state: str) -> None:
    """The next version, in which nothing but the state is another."""
    session.execute(
        update(CouponTemplate)
        .where(CouponTemplate.id == former.id)
        .values(version=former.version + 1, state=state)
    )


def end_review(session: Session, template_id: str) -> None:
    """One that was in review is a draft again; any other stays what it is."""
    session.execute(
        update(CouponTemplate)
        .where(CouponTemplate.id == template_id, CouponTemplate.state == "in_review")
        .values(version=CouponTemplate.version + 1, state="draft")
    )


def _columns(terms: Terms, claim_key: str | None) -> dict[str, Any]:
    """A link that was taken back stays dead: another one has another key."""
    row = msgspec.structs.asdict(terms)
    del row["stock"]
    return row | {"claim_key": (claim_key or new_secret()[:MOST_OF_A_SCENE]) if row.pop("by_link") else None}


def _add_face(session: Session, template_id: str, version: int, face: Face, now: datetime) -> None:
    # Ids must become visible in their order, or a process would not know that one is missing (app/coupons/faces.py).
    session.execute(_FACES_ONE_AFTER_ANOTHER)
    session.execute(
        into(CouponFace),
        {
            "template_id": template_id,
            "version": version,
            "face": msgspec.to_builtins(face, order="deterministic"),
            "created_at": now,
        },
    )


def _write_stock(session: Session, template_id: str, before: int | None, after: int | None) -> None:
    if before is None or after is None:
        session.execute(_NOBODY_ISSUES, {"id": template_id})
    if after is None:
        session.execute(delete(CouponStock).where(CouponStock.template_id == template_id))
    elif before is None:
        issued = session.execute(_ISSUED, {"id": template_id}).scalar_one()
        if issued > after:
            raise CouponStockBelowIssued(issued=issued)
        session.execute(
            into(CouponStock),
            {
                "template_id": template_id,
                "stock": after,
                "issued": issued,
            },
        )
    else:
        _set_stock(session, template_id, after)


def _set_stock(session: Session, template_id: str, stock: int) -> None:
    wanted = CouponStock.template_id == template_id
    issued = session.execute(select(CouponStock.issued).where(wanted).with_for_update()).scalar_one()
    if issued > stock:
        raise CouponStockBelowIssued(issued=issued)
    session.execute(update(CouponStock).where(wanted).values(stock=stock))


def record(
    session: Session, actor: audit.Actor, action: str, template_id: str, now: datetime, **data: Any
) -> None:
    """Of a template for one store it is that store's record."""
    after = load(session, template_id, now=now)
    audit.record(
        session,
        actor,
        f"coupon_template.{action}",
        "coupon_template",
        template_id,
        now=now,
        store_id=only(after.stores),
        version=after.version,
        state=after.state,
        face=msgspec.to_builtins(after.face, order="deterministic"),
        terms=msgspec.to_builtins(after.terms),
        **data,
    )


def only(stores: Collection[int] | None) -> int | None:
    """The one store that it is about; None: all of them, or several."""
    return next(iter(stores)) if stores is not None and len(stores) == 1 else None
