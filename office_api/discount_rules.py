"""What members pay less for: rules of discount to look at, make, change, end, and try on past sales."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.approvals.second_person import Waiting
from app.discounts import change
from app.discounts.change import DISCOUNT_RULES, Draft
from app.discounts.rules import DiscountRule
from app.discounts.simulate import simulate
from app.points import listing
from app.staff.roles import MANAGE_RULES
from app.stores import setup
from office_api.discount_schemas import DiscountDraftSchema, DiscountRuleSchema, draft_of, dump_rule
from office_api.guard import STAFF, actor, my_stores, need, require_staff, stores_named
from office_api.rule_schemas import stores_in
from office_api.simulations import DiscountSimulatedSchema, PeriodSchema, dump_discounts, replaced
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, whole

blueprint = Blueprint(
    "discount_rules",
    __name__,
    url_prefix="/office/v1/discount-rules",
    description="What members pay less for",
)
guarded(blueprint, require_staff)
_PAGE = page_of(DiscountRuleSchema)


def _need(stores: Iterable[int] | None) -> None:
    """The right in each of these stores; None: in all there are. Raises `Forbidden`."""
    if stores is None:
        need(MANAGE_RULES, None)
    for store_id in stores or ():
        need(MANAGE_RULES, store_id)


def _draft(arguments: dict[str, Any]) -> Draft:
    """What the caller may make. Raises `NotFound` for a store in which they make no rules, `Forbidden` for all stores
    together, `RuleMalformed`."""
    draft = draft_of(arguments, stores_named(MANAGE_RULES, stores_in(arguments)))
    if draft.definition.conditions.stores is None:
        need(MANAGE_RULES, None)
    return draft


def _mine(rule_no: int) -> DiscountRule:
    """The newest version of a rule the caller may see. Raises `NotFound`, `Forbidden`."""
    return listing.newest(DISCOUNT_RULES, rule_no=rule_no, store_ids=my_stores(MANAGE_RULES))


def _answer(rule: DiscountRule | Waiting, now: datetime, status: int = 200) -> Response:
    if isinstance(rule, Waiting):
        return answer_waiting(rule)
    return answer(dump_rule(rule, _codes([rule]), now), status)


def _codes(rules: Iterable[DiscountRule]) -> dict[int, str]:
    named = {store for rule in rules for store in rule.definition.conditions.stores or ()}
    return setup.store_codes(named) if named else {}


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, _PAGE)
@blueprint.doc(security=STAFF)
def list_rules(arguments: dict[str, Any]) -> Response:
    """The newest version of each rule, by number: of all stores together and of the caller's own."""
    wanted, now = asked(arguments), clock.now()
    found = listing.list_rules(
        DISCOUNT_RULES, store_ids=my_stores(MANAGE_RULES), limit=wanted.limit + 1, after=numeric(wanted)
    )
    codes = _codes(found)
    return answer(page(found, wanted, lambda rule: rule.rule_no, lambda rule: dump_rule(rule, codes, now)))


@blueprint.get("/<int:rule_no>/versions")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, _PAGE)
@blueprint.doc(security=STAFF)
def list_versions(arguments: dict[str, Any], rule_no: int) -> Response:
    """Every version of a rule, newest first. Of those that have begun the newest counts."""
    wanted, now = asked(arguments), clock.now()
    _mine(rule_no)
    found = listing.versions_of(
        DISCOUNT_RULES, rule_no=rule_no, limit=wanted.limit + 1, before=numeric(wanted)
    )
    codes = _codes(found)
    return answer(page(found, wanted, lambda rule: rule.version, lambda rule: dump_rule(rule, codes, now)))


@blueprint.post("")
@blueprint.arguments(DiscountDraftSchema())
@blueprint.response(201, DiscountRuleSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make a rule. It holds from a time on (now, unless given).

    202 when it takes off more than one person may alone (policy `discounts`).
    """
    draft, now = _draft(arguments), clock.now()
    return _answer(change.create(draft=draft, actor=actor(), now=now), now, 201)


class NextDiscountSchema(DiscountDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.put("/<int:rule_no>")
@blueprint.arguments(NextDiscountSchema())
@blueprint.response(200, DiscountRuleSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], rule_no: int) -> Response:
    """The rule's next version, whole. It takes the place of the others from its beginning on.

    202 when it takes off more than one person may alone (policy `discounts`).
    """
    former = _mine(rule_no)
    draft, now = _draft(arguments), clock.now()
    _need(former.definition.conditions.stores)
    changed = change.change(
        rule_no=rule_no, version=arguments["version"], draft=draft, actor=actor(), now=now
    )
    return _answer(changed, now)


class EndDiscountSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})
    at = fields.AwareDateTime(load_default=None, allow_none=True, metadata={"description": "null: at once"})


@blueprint.post("/<int:rule_no>/end")
@blueprint.arguments(EndDiscountSchema())
@blueprint.response(200, DiscountRuleSchema())
@blueprint.doc(security=STAFF)
def end(arguments: dict[str, Any], rule_no: int) -> Response:
    """End a rule, by a version that begins and ends at that time."""
    _need(_mine(rule_no).definition.conditions.stores)
    now = clock.now()
    return _answer(change.end(rule_no=rule_no, **arguments, actor=actor(), now=now), now)


class DiscountSimulationSchema(PeriodSchema):
    rule = fields.Nested(DiscountDraftSchema(), required=True)
    rule_no = replaced("rule")


@blueprint.post("/simulate")
@blueprint.arguments(DiscountSimulationSchema())
@blueprint.response(200, DiscountSimulatedSchema())
@blueprint.doc(security=STAFF)
def try_out(arguments: dict[str, Any]) -> Response:
    """What the rule would have taken off past sales: at most 92 days and 100,000 sales. Changes nothing.

    After ten seconds it tells what it found so far, and how much of the past that is.
    """
    rule_no, draft = arguments["rule_no"], _draft(arguments["rule"])
    stores = draft.definition.conditions.stores
    if rule_no is not None:
        former = _mine(rule_no).definition.conditions.stores
        _need(former)
        stores = None if stores is None or former is None else stores | former
    found = simulate(
        draft=draft, rule_no=rule_no, since=arguments["from_"], until=arguments["until"], store_ids=stores
    )
    return answer(dump_discounts(found))
