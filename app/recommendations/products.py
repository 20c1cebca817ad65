"""The products that members bought lately, and what goes with one of them, for whoever plans what is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.db import reading
from app.errors import NotFound
from app.policies import in_force
from app.recommendations.policy import EXCLUDED, RecommendationPolicy


@dataclass(frozen=True, kw_only=True)
class ProductView:
    """`buyers` bought it within the window; `excluded` by the policy as it stands. `place` 1 has the most buyers."""

    sku: str
    name: str
    category: str
    buyers: int
    last_on: date
    excluded: bool
    place: int


@dataclass(frozen=True, kw_only=True)
class TogetherView:
    """So many members bought both, `share_percent` of those counted who bought the one."""

    sku: str
    name: str
    category: str
    together: int
    share_percent: int
    excluded: bool


# Some ten thousand products at most: looked through for a part of a name.
_LISTED = text(f"""
    SELECT p.sku, p.name, p.category, p.buyers, p.last_on, {EXCLUDED} AS excluded, p.place FROM sold_products p
    WHERE p.place > :after AND (CAST(:search AS text) IS NULL OR starts_with(lower(p.sku), lower(:search))
        OR strpos(lower(p.name), lower(:search)) > 0)
    ORDER BY p.place LIMIT :most""")  # noqa: S608
_TOGETHER = text(f"""
    SELECT t.other AS sku, p.name, p.category, t.together,
        CAST(round(100.0 * t.together / t.buyers) AS integer) AS share_percent, {EXCLUDED} AS excluded
    FROM sold_together t JOIN sold_products p ON p.sku = t.other
    WHERE t.sku = :sku ORDER BY t.score DESC, t.other""")  # noqa: S608
_THERE = text("SELECT EXISTS (SELECT FROM sold_products WHERE sku = :sku)")


def products(*, search: str | None, limit: int, after: int) -> Sequence[ProductView]:
    """Those that most members bought first, behind that place; `search` is how the article number begins or a part of
    the name, in whatever case."""
    with reading() as connection:
        excluded = in_force(connection, RecommendationPolicy).value.values()
        rows = connection.execute(_LISTED, {"search": search, "most": limit, "after": after, **excluded})
        return [ProductView(**row) for row in rows.mappings()]


def bought_with(*, sku: str) -> tuple[TogetherView, ...]:
    """What goes with it, best first. Raises `NotFound` for a product that no member bought lately."""
    with reading() as connection:
        excluded = in_force(connection, RecommendationPolicy).value.values()
        rows = connection.execute(_TOGETHER, {"sku": sku, **excluded}).mappings().all()
        if not rows and not connection.execute(_THERE, {"sku": sku}).scalar_one():
            raise NotFound
        return tuple(TogetherView(**row) for row in rows)
