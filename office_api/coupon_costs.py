"""Who bears what coupons cost, for whoever reckons with stores and suppliers."""

import re
from dataclasses import asdict
from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.coupons import costs
from app.coupons.costs import Cost, Place
from app.coupons.face import CostBearer
from app.staff.roles import SETTLE
from office_api.guard import STAFF, my_stores, require_staff, store_named
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import Page, PageArguments, asked, matched, page, page_of
from web.schemas import Day, Strict, text

blueprint = Blueprint(
    "coupon_costs",
    __name__,
    url_prefix="/office/v1/coupon-costs",
    description="Who bears what coupons cost",
)
guarded(blueprint, require_staff)

_BEARERS: tuple[str, ...] = get_args(CostBearer)


class CouponCostsArguments(PageArguments):
    from_ = Day(
        data_key="from",
        load_default=None,
        allow_none=False,
        metadata={"description": "first business date in it; default the first of this month"},
    )
    until = Day(
        load_default=None,
        allow_none=False,
        metadata={
            "description": f"first business date after it, {costs.MOST_DAYS} days later at most; default tomorrow"
        },
    )
    store = text(32, load_default=None, metadata={"description": "code; all of one's stores without it"})


class CouponCostSchema(Strict):
    template_id = fields.String(required=True)
    name_zh = fields.String(required=True, metadata={"description": "of the template, as it is now"})
    name_en = fields.String(required=True)
    bearer = fields.String(required=True, validate=validate.OneOf(_BEARERS))
    store = fields.String(
        required=True, metadata={"description": "code of the store in which they were used"}
    )
    uses = fields.Integer(required=True, metadata={"description": "that no refund undid"})
    discount_fen = fields.Integer(required=True, metadata={"description": "what these took off bills"})
    cost_fen = fields.Integer(
        required=True,
        metadata={"description": "the same, and for uses that took nothing off what the coupon is worth"},
    )


def _dump(cost: Cost) -> dict[str, Any]:
    told = asdict(cost)
    del told["store_id"]
    return told


# The bearer by its place in the list, so that the longest key still fits a cursor.
_PLACE = re.compile(r"([0-9A-Z]{26})-([0-2])-([0-9]{1,18})")


def _key(cost: Cost) -> str:
    return f"{cost.template_id}-{_BEARERS.index(cost.bearer)}-{cost.store_id}"


def _place(wanted: Page) -> Place | None:
    """Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    if found is None:
        return None
    template_id, bearer, store_id = found.groups()
    return template_id, _BEARERS[int(bearer)], int(store_id)


@blueprint.get("")
@blueprint.arguments(CouponCostsArguments(), location="query")
@blueprint.response(200, page_of(CouponCostSchema))
@blueprint.doc(security=STAFF)
def list_costs(arguments: dict[str, Any]) -> Response:
    """What was used in the caller's stores in a period, by template, bearer and store."""
    wanted, store = asked(arguments), arguments["store"]
    within = costs.period(from_date=arguments["from_"], until_date=arguments["until"], now=clock.now())
    found = costs.costs(
        within=within,
        store_ids=my_stores(SETTLE) if store is None else {store_named(SETTLE, store)},
        limit=wanted.limit + 1,
        after=_place(wanted),
    )
    return answer(page(found, wanted, _key, _dump))
