"""Who bears what coupons cost: their uses in a period, by template, bearer and store."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text

from app.clock import HOME_ZONE, business_date, start_of_day
from app.coupons.face import CostBearer
from app.db import reading
from app.errors import Invalid
from app.ids import first_id

MOST_DAYS = 366
#: Behind headquarters' calendar and ahead of it: days are the stores' own.
_ELSEWHERE = timedelta(days=1)
#: What one use of a coupon with the face `f` promises.
PROMISED_FEN = """greatest(coalesce(CAST(f.face ->> 'use_value_fen' AS bigint), 0),
    coalesce(CAST(f.face -> 'effect' ->> 'off_fen' AS bigint), 0))"""
#: What the use `r` of it cost: what it took off its bill; if nothing, what it promised.
USED_FEN = f"CASE WHEN r.discount_fen > 0 THEN r.discount_fen ELSE {PROMISED_FEN} END"


class CouponCostPeriod(Invalid):
    """The period is empty or too long. Data: `most_days`."""

    code = "coupon_cost_period"


@dataclass(frozen=True, kw_only=True)
class Period:
    """Business dates of the stores, `[from_date, until_date)`."""

    from_date: date
    until_date: date


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What `uses` of a template's coupons in one store, of which none came back, cost the bearer their faces name.

    They took `discount_fen` off bills. `cost_fen` is that, and for uses that took nothing off what they are worth.
    """

    template_id: str
    name_zh: str
    name_en: str
    bearer: CostBearer
    store_id: int
    store: str
    uses: int
    discount_fen: int
    cost_fen: int


#: Which row of a list: template, bearer, store.
Place = tuple[str, str, int]

# By the primary key: the id of a use tells when it was. Counted by face before anything is read out of faces.
_COSTS = text(f"""
    WITH used AS (
        SELECT c.face_id, r.store_id, count(*) AS uses, sum(r.discount_fen) AS discount_fen,
            count(*) FILTER (WHERE r.discount_fen = 0) AS without_discount
        FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id
        WHERE r.id >= :first AND r.id < :last AND r.business_date >= :from_date AND r.business_date < :until_date
            AND r.undone_at IS NULL AND (CAST(:stores AS bigint[]) IS NULL OR r.store_id = ANY(:stores))
        GROUP BY c.face_id, r.store_id),
    cost AS (
        SELECT f.template_id, coalesce(f.face ->> 'cost_bearer', 'brand') AS bearer, u.store_id,
            sum(u.uses)::bigint AS uses, sum(u.discount_fen)::bigint AS discount_fen,
            sum(u.discount_fen + u.without_discount * {PROMISED_FEN})::bigint AS cost_fen
        FROM used u JOIN coupon_faces f ON f.id = u.face_id GROUP BY 1, 2, 3)
    SELECT c.template_id, n.face ->> 'name_zh' AS name_zh, n.face ->> 'name_en' AS name_en, c.bearer, c.store_id,
        s.code AS store, c.uses, c.discount_fen, c.cost_fen
    FROM cost c JOIN stores s ON s.id = c.store_id JOIN coupon_templates t ON t.id = c.template_id
    JOIN coupon_faces n ON n.template_id = t.id AND n.version = t.face_version
    WHERE CAST(:template_id AS text) IS NULL OR (c.template_id, c.bearer, c.store_id) > (:template_id, :bearer, :store)
    ORDER BY c.template_id, c.bearer, c.store_id LIMIT :limit""")  # noqa: S608  # a constant of our own


def period(*, from_date: date | None, until_date: date | None, now: datetime) -> Period:
    """What was asked for; without a beginning this month, without an end up to today, by the chain's calendar.

    Raises `CouponCostPeriod`.
    """
    today = business_date(now, HOME_ZONE)
    begins = from_date or today.replace(day=1)
    until = until_date or today + timedelta(days=1)
    if not 0 < (until - begins).days <= MOST_DAYS:
        raise CouponCostPeriod(most_days=MOST_DAYS)
    return Period(from_date=begins, until_date=until)


def costs(
    *, within: Period, store_ids: Collection[int] | None, limit: int, after: Place | None = None
) -> list[Cost]:
    """By template (the oldest first), bearer and store; of uses in these stores, None: in all."""
    template_id, bearer, store = after or (None, None, None)
    values = {
        "from_date": within.from_date,
        "until_date": within.until_date,
        "first": first_id(start_of_day(within.from_date, HOME_ZONE) - _ELSEWHERE),
        "last": first_id(start_of_day(within.until_date, HOME_ZONE) + _ELSEWHERE),
        "stores": None if store_ids is None else sorted(store_ids),
        "template_id": template_id,
        "bearer": bearer,
        "store": store,
        "limit": limit,
    }
    with reading() as connection:
        return [Cost(**row._mapping) for row in connection.execute(_COSTS, values)]
