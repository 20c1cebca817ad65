"""Looking at sales again: a till at its store's, members at their own."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, TextClause, text

from app.checkout.bill import Line
from app.checkout.tenders import Tender
from app.checkout.used_coupons import UsedCoupon
from app.db import reading
from app.errors import NotFound
from app.points.explain import PARTS, Part, parts_of
from app.stores.tills import Till
from app.typed import read


@dataclass(frozen=True, kw_only=True)
class SaleView:
    """A sale as its store, or its member, may see it again."""

    id: str
    store: str
    store_code: str
    receipt_no: str
    amount_fen: int
    refunded_fen: int
    points_earned: int
    business_date: date
    occurred_at: datetime
    lines: tuple[Line, ...]
    earned: tuple[Part, ...]
    has_member: bool
    discount_fen: int = 0
    tenders: tuple[Tender, ...] = ()
    coupons: tuple[UsedCoupon, ...] = ()


_REFUNDED = "(SELECT coalesce(sum(r.amount_fen), 0)::bigint FROM refunds r WHERE r.sale_id = s.id)"
_TENDERS = """(SELECT json_agg(json_build_array(t.kind, t.amount_fen, t.points) ORDER BY t.amount_fen DESC, t.kind)
        FROM sale_tenders t WHERE t.sale_id = s.id)"""
_COUPONS = """(SELECT CAST(json_agg(json_build_object('coupon_id', r.coupon_id, 'redemption_id', r.id,
            'name_zh', f.face ->> 'name_zh', 'name_en', f.face ->> 'name_en', 'discount_fen', r.discount_fen,
            'gift_zh', coalesce(f.face -> 'effect' ->> 'item_zh', ''),
            'gift_en', coalesce(f.face -> 'effect' ->> 'item_en', ''),
            'gift_sku', CASE WHEN f.face -> 'effect' ->> 'kind' = 'gift'
                THEN coalesce(f.face -> 'effect' ->> 'sku', '') ELSE '' END,
            'undone', r.undone_at IS NOT NULL) ORDER BY r.id) AS text)
        FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id JOIN coupon_faces f ON f.id = c.face_id
        WHERE r.sale_id = s.id)"""
_SALE = f"""
    SELECT s.*, st.name AS store, st.code AS store_code, {PARTS} AS parts, {_REFUNDED} AS refunded_fen,
        {_TENDERS} AS tenders, {_COUPONS} AS coupons, (
        SELECT json_agg(json_build_array(l.sku, l.name, l.quantity, l.unit_price_fen, l.category) ORDER BY l.line_no)
        FROM sale_lines l WHERE l.sale_id = s.id) AS lines
    FROM sales s JOIN stores st ON st.id = s.store_id WHERE s.store_id = :store_id AND s."""  # noqa: S608
_BY_ID, _BY_RECEIPT = text(f"{_SALE}id = :id"), text(f"{_SALE}receipt_no = :receipt_no")


def show_sale(*, till: Till, sale_id: str) -> SaleView:
    """A sale of the till's own store. Raises `NotFound`, for other stores' sales too."""
    return _shown(_BY_ID, {"id": sale_id, "store_id": till.store_id})


def find_sale(*, till: Till, receipt_no: str) -> SaleView:
    """The sale of the till's own store with that receipt number. Raises `NotFound`."""
    return _shown(_BY_RECEIPT, {"receipt_no": receipt_no, "store_id": till.store_id})


def _shown(question: TextClause, values: dict[str, Any]) -> SaleView:
    with reading() as connection:
        row = connection.execute(question, values).one_or_none()
    if row is None:
        raise NotFound
    coupons = () if row.coupons is None else tuple(read(row.coupons, list[UsedCoupon]))
    return replace(_view(row, row.lines, parts_of(row.parts)), coupons=coupons)


def sales_of_member(*, member_id: int, limit: int, before: str | None) -> list[SaleView]:
    """A member's own sales, newest first, without lines and reasons."""
    with reading() as connection:
        rows = connection.execute(
            text(f"""
                SELECT s.*, st.name AS store, st.code AS store_code, {_REFUNDED} AS refunded_fen,
                    {_TENDERS} AS tenders
                FROM sales s JOIN stores st ON st.id = s.store_id
                WHERE s.member_id = :member_id AND (CAST(:before AS text) IS NULL OR s.id < :before)
                ORDER BY s.id DESC LIMIT :limit"""),  # noqa: S608  # a constant of our own
            {"member_id": member_id, "before": before, "limit": limit},
        ).all()
    return [_view(row, [], ()) for row in rows]


def _view(row: Row[Any], lines: list[list[Any]], earned: tuple[Part, ...]) -> SaleView:
    return SaleView(
        id=row.id,
        store=row.store,
        store_code=row.store_code,
        receipt_no=row.receipt_no,
        amount_fen=row.amount_fen,
        refunded_fen=row.refunded_fen,
        points_earned=row.points_earned,
        business_date=row.business_date,
        occurred_at=row.occurred_at,
        lines=tuple(
            Line(sku=sku, name=name, quantity=quantity, unit_price_fen=price, category=category)
            for sku, name, quantity, price, category in lines
        ),
        earned=earned,
        has_member=row.member_id is not None,
        discount_fen=row.discount_fen,
        tenders=tuple(
            Tender(kind=kind, amount_fen=fen, points=points) for kind, fen, points in row.tenders or ()
        ),
    )
