"""What the statements of settlement say: who owes whom, and what each gets or pays in the end."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app.settlement.figures import UNITS, Line, Net
from app.settlement.statement import Party, Statement, statement
from app.staff.roles import SETTLE
from office_api.guard import STAFF, my_stores, require_staff
from office_api.settlements import SettlementSchema, dump_header
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import Page, PageArguments, asked, matched, numeric, page, page_of
from web.schemas import QueryNumber, Strict

blueprint = Blueprint(
    "settlement_figures",
    __name__,
    url_prefix="/office/v1/settlements",
    description="What the statements of settlement say",
)
guarded(blueprint, require_staff)

_PARTY = {"description": "code of the store; null: headquarters"}


class WhichSchema(Strict):
    version = QueryNumber(
        load_default=None,
        validate=validate.Range(1, 2**31 - 1),
        metadata={"description": "of a former closing; without it, the statement as it stands"},
    )


class WhichPageSchema(WhichSchema, PageArguments):
    pass


def read(arguments: dict[str, Any], settlement_no: int) -> Statement:
    return statement(settlement_no=settlement_no, stores=my_stores(SETTLE), version=arguments["version"])


class SettlementStatementSchema(SettlementSchema):
    owed_fen = fields.Integer(
        required=True, metadata={"description": "all lines the caller sees, without their signs"}
    )


def _dump(found: Statement) -> dict[str, Any]:
    return {**dump_header(found.header), "owed_fen": found.owed_fen}


@blueprint.get("/<int:settlement_no>")
@blueprint.arguments(WhichSchema(), location="query")
@blueprint.response(200, SettlementStatementSchema())
@blueprint.doc(security=STAFF)
def show(arguments: dict[str, Any], settlement_no: int) -> Response:
    """A statement; of a draft, what it would say now. Whoever settles one store sees what concerns it."""
    return answer(_dump(read(arguments, settlement_no)))


class SettlementLineSchema(Strict):
    debtor = fields.String(required=True, allow_none=True, metadata=_PARTY)
    creditor = fields.String(required=True, allow_none=True, metadata=_PARTY)
    unit = fields.String(required=True, validate=validate.OneOf(UNITS))
    quantity = fields.Integer(
        required=True, metadata={"description": "fen or points; below zero: more given back than spent"}
    )
    late_quantity = fields.Integer(
        required=True, metadata={"description": "of it, what happened before the period and came in late"}
    )
    amount_fen = fields.Integer(required=True, metadata={"description": "what the debtor owes for it"})


def _code(parties: Mapping[int, Party], store_id: int | None) -> str | None:
    return None if store_id is None else parties[store_id].code


def _dump_line(line: Line, parties: Mapping[int, Party]) -> dict[str, Any]:
    return {
        "debtor": _code(parties, line.debtor_id),
        "creditor": _code(parties, line.creditor_id),
        "unit": line.unit,
        "quantity": line.quantity,
        "late_quantity": line.late_quantity,
        "amount_fen": line.amount_fen,
    }


@blueprint.get("/<int:settlement_no>/lines")
@blueprint.arguments(WhichPageSchema(), location="query")
@blueprint.response(200, page_of(SettlementLineSchema))
@blueprint.doc(security=STAFF)
def lines(arguments: dict[str, Any], settlement_no: int) -> Response:
    """Who owes whom: a line for each two parties, direction and unit."""
    wanted, found = asked(arguments), read(arguments, settlement_no)
    after = _place(wanted)
    rest = [line for line in found.lines if after is None or line.place > after]
    dump = partial(_dump_line, parties=found.parties)
    return answer(page(rest, wanted, lambda line: "-".join(map(str, line.place)), dump))


_PLACE = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)")


def _place(wanted: Page) -> tuple[int, ...] | None:
    """Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    return found and tuple(int(part) for part in found.groups())


class SettlementNetSchema(Strict):
    party = fields.String(required=True, allow_none=True, metadata=_PARTY)
    owes_fen = fields.Integer(required=True)
    owed_fen = fields.Integer(required=True)
    net_fen = fields.Integer(
        required=True, metadata={"description": "what it gets; below zero: what it pays. All sum to zero"}
    )


def _dump_net(net: Net, parties: Mapping[int, Party]) -> dict[str, Any]:
    return {
        "party": _code(parties, net.store_id),
        "owes_fen": net.owes_fen,
        "owed_fen": net.owed_fen,
        "net_fen": net.net_fen,
    }


@blueprint.get("/<int:settlement_no>/nets")
@blueprint.arguments(WhichPageSchema(), location="query")
@blueprint.response(200, page_of(SettlementNetSchema))
@blueprint.doc(security=STAFF)
def list_nets(arguments: dict[str, Any], settlement_no: int) -> Response:
    """What each store, and headquarters, gets or pays in the end."""
    wanted, found = asked(arguments), read(arguments, settlement_no)
    after = numeric(wanted)
    rest = [net for net in found.nets if after is None or (net.store_id or 0) > after]
    dump = partial(_dump_net, parties=found.parties)
    return answer(page(rest, wanted, lambda net: net.store_id or 0, dump))
