"""How members earn: rules to look at, make, change, end, and try on past sales."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.approvals.second_person import Waiting
from app.points import change, listing
from app.points.rules import Rule
from app.points.simulate import Changed, Simulation, simulate
from app.points.versions import EARN_RULES, Draft
from app.staff.roles import MANAGE_RULES
from app.stores import setup
from office_api.guard import STAFF, actor, my_stores, need, require_staff, stores_named
from office_api.rule_schemas import DraftSchema, RuleSchema, draft_of, dump_rule, stores_in
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, whole

blueprint = Blueprint(
    "earn_rules", __name__, url_prefix="/office/v1/earn-rules", description="How members earn points"
)
guarded(blueprint, require_staff)
_PAGE = page_of(RuleSchema)

_MOST_NO = 2**53 - 1


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


def _mine(rule_no: int) -> Rule:
    """The newest version of a rule the caller may see. Raises `NotFound`, `Forbidden`."""
    return listing.newest(EARN_RULES, rule_no=rule_no, store_ids=my_stores(MANAGE_RULES))


def _answer(rule: Rule | Waiting, now: datetime, status: int = 200) -> Response:
    if isinstance(rule, Waiting):
        return answer_waiting(rule)
    return answer(dump_rule(rule, _codes([rule]), now), status)


def _codes(rules: Iterable[Rule]) -> dict[int, str]:
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
        EARN_RULES, store_ids=my_stores(MANAGE_RULES), limit=wanted.limit + 1, after=numeric(wanted)
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
    found = listing.versions_of(EARN_RULES, rule_no=rule_no, limit=wanted.limit + 1, before=numeric(wanted))
    codes = _codes(found)
    return answer(page(found, wanted, lambda rule: rule.version, lambda rule: dump_rule(rule, codes, now)))


@blueprint.post("")
@blueprint.arguments(DraftSchema())
@blueprint.response(201, RuleSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make a rule. It holds from a time on (now, unless given); what was sold before keeps its rules.

    202 when it gives more than one person may give alone (policy `earning_rules`).
    """
    draft, now = _draft(arguments), clock.now()
    return _answer(change.create(draft=draft, actor=actor(), now=now), now, 201)


class NextVersionSchema(DraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.put("/<int:rule_no>")
@blueprint.arguments(NextVersionSchema())
@blueprint.response(200, RuleSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], rule_no: int) -> Response:
    """The rule's next version, whole. It takes the place of the others from its beginning on.

    202 when it gives more than one person may give alone (policy `earning_rules`).
    """
    former = _mine(rule_no)
    draft, now = _draft(arguments), clock.now()
    _need(former.definition.conditions.stores)
    changed = change.change(
        rule_no=rule_no, version=arguments["version"], draft=draft, actor=actor(), now=now
    )
    return _answer(changed, now)


class EndSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})
    at = fields.AwareDateTime(load_default=None, allow_none=True, metadata={"description": "null: at once"})


@blueprint.post("/<int:rule_no>/end")
@blueprint.arguments(EndSchema())
@blueprint.response(200, RuleSchema())
@blueprint.doc(security=STAFF)
def end(arguments: dict[str, Any], rule_no: int) -> Response:
    """End a rule, by a version that begins and ends at that time."""
    _need(_mine(rule_no).definition.conditions.stores)
    now = clock.now()
    return _answer(change.end(rule_no=rule_no, **arguments, actor=actor(), now=now), now)


class SimulationSchema(Strict):
    rule = fields.Nested(DraftSchema(), required=True)
    rule_no = whole(
        1,
        _MOST_NO,
        load_default=None,
        allow_none=True,
        metadata={"description": "try it in place of this rule; null: as one more"},
    )
    from_ = fields.AwareDateTime(required=True, data_key="from")
    until = fields.AwareDateTime(required=True)


class ChangedSaleSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    amount_fen = fields.Integer(required=True)
    points_before = fields.Integer(required=True)
    points_after = fields.Integer(required=True)


class SimulatedSchema(Strict):
    complete = fields.Boolean(
        required=True, metadata={"description": "false: time ran out, and later sales were not replayed"}
    )
    covered_until = fields.AwareDateTime(
        required=True, metadata={"description": "every sale before it was replayed; `until` when complete"}
    )
    sales = fields.Integer(required=True)
    members_touched = fields.Integer(required=True)
    members_gaining = fields.Integer(required=True)
    members_losing = fields.Integer(required=True)
    points_before = fields.Integer(required=True)
    points_after = fields.Integer(required=True)
    points_more = fields.Integer(required=True)
    points_less = fields.Integer(required=True)
    sample = fields.List(fields.Nested(ChangedSaleSchema()), required=True)


def _dump_simulation(found: Simulation) -> dict[str, Any]:
    return {
        "complete": found.complete,
        "covered_until": found.covered_until,
        "sales": found.sales,
        "members_touched": found.members_touched,
        "members_gaining": found.members_gaining,
        "members_losing": found.members_losing,
        "points_before": found.points_before,
        "points_after": found.points_after,
        "points_more": found.points_more,
        "points_less": found.points_less,
        "sample": [_dump_changed(changed) for changed in found.sample],
    }


def _dump_changed(changed: Changed) -> dict[str, Any]:
    return {
        "id": changed.sale_id,
        "store": changed.store,
        "occurred_at": changed.occurred_at,
        "amount_fen": changed.amount_fen,
        "points_before": changed.points_before,
        "points_after": changed.points_after,
    }


@blueprint.post("/simulate")
@blueprint.arguments(SimulationSchema())
@blueprint.response(200, SimulatedSchema())
@blueprint.doc(security=STAFF)
def try_out(arguments: dict[str, Any]) -> Response:
    """What the rule would have changed in past sales: at most 92 days and 100,000 sales. Changes nothing.

    After ten seconds it tells what it found so far, and how much of the past that is.
    """
    rule_no = arguments["rule_no"]
    draft = _draft(arguments["rule"])
    stores = draft.definition.conditions.stores
    if rule_no is not None:
        former = _mine(rule_no).definition.conditions.stores
        _need(former)
        stores = None if stores is None or former is None else stores | former
    found = simulate(
        draft=draft, rule_no=rule_no, since=arguments["from_"], until=arguments["until"], store_ids=stores
    )
    return answer(_dump_simulation(found))
