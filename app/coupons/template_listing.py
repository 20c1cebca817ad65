"""Looking at templates: those that somebody may see, and what became of the coupons of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.coupons.template import SELECTED, STATE, Template, template_of
from app.db import reading
from app.errors import NotFound

#: What names stores is there for those of the given ones alone; what is for all stores, for everybody.
VISIBLE = """(CAST(:stores AS bigint[]) IS NULL OR f.face -> 'conditions' -> 'stores' IS NULL
    OR EXISTS (SELECT FROM jsonb_array_elements_text(f.face -> 'conditions' -> 'stores') x
        WHERE CAST(x AS bigint) = ANY(:stores)))"""
_LIST = text(f"""{SELECTED}
    WHERE {VISIBLE} AND (CAST(:before AS text) IS NULL OR t.id < :before)
        AND (CAST(:state AS text) IS NULL OR {STATE} = :state)
    ORDER BY t.id DESC LIMIT :limit""")
_ONE = text(f"{SELECTED} WHERE {VISIBLE} AND t.id = :id")
_NUMBERS = text("""
    SELECT count(*) AS issued, count(*) FILTER (WHERE c.state = 'held' AND c.valid_until > :now) AS held,
        count(*) FILTER (WHERE c.state = 'used') AS used,
        count(*) FILTER (WHERE c.state = 'held' AND c.valid_until <= :now) AS ended,
        count(*) FILTER (WHERE c.state = 'void') AS recalled
    FROM coupons c WHERE c.template_id = :id""")
_TAKEN_OFF = text("""
    SELECT count(*) AS redemptions, coalesce(sum(r.discount_fen), 0)::bigint AS discount_fen
    FROM coupons c JOIN coupon_redemptions r ON r.coupon_id = c.id AND r.undone_at IS NULL
    WHERE c.template_id = :id""")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Coupons by how they stand: `used` up, or `ended` with something unused. `redemptions` that stand took
    `discount_fen` off bills."""

    issued: int
    held: int
    used: int
    ended: int
    recalled: int
    redemptions: int
    discount_fen: int


def list_templates(
    *, store_ids: Collection[int] | None, state: str | None, limit: int, before: str | None, now: datetime
) -> list[Template]:
    """Newest first; None of the stores: all."""
    values = {
        "stores": None if store_ids is None else sorted(store_ids),
        "state": state,
        "before": before,
        "limit": limit,
        "now": now,
    }
    with reading() as connection:
        return [template_of(row) for row in connection.execute(_LIST, values)]


def show(*, template_id: str, store_ids: Collection[int] | None, now: datetime) -> Template:
    """Raises `NotFound`, also for one that is of other stores than the given."""
    values = {"stores": None if store_ids is None else sorted(store_ids), "id": template_id, "now": now}
    with reading() as connection:
        row = connection.execute(_ONE, values).one_or_none()
    if row is None:
        raise NotFound
    return template_of(row)


def numbers(*, template_id: str, now: datetime) -> Numbers:
    """What became of its coupons by now."""
    with reading() as connection:
        coupons = connection.execute(_NUMBERS, {"id": template_id, "now": now}).one()
        taken_off = connection.execute(_TAKEN_OFF, {"id": template_id}).one()
    return Numbers(**coupons._mapping, **taken_off._mapping)
