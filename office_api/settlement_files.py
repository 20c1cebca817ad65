"""A statement of settlement as a file for the bookkeeper: CSV of its lines, or a workbook with the nets as well."""

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.ledger.post import POINTS
from app.settlement.figures import Line, Net
from app.settlement.statement import Statement
from app.texts import say
from office_api.guard import STAFF, require_staff
from office_api.settlement_figures import WhichSchema, read
from web.api import Blueprint
from web.guards import guarded
from web.language import LANGUAGES, language
from web.sheets import CSV_TYPE, XLSX_TYPE, Cell, Sheet, to_csv, to_xlsx, yuan

blueprint = Blueprint(
    "settlement_files",
    __name__,
    url_prefix="/office/v1/settlements",
    description="Statements of settlement as files",
)
guarded(blueprint, require_staff)

_ABOUT = ("number", "version", "state", "from", "until")
_LINE = ("debtor_code", "debtor", "creditor_code", "creditor", "unit", "quantity", "late_quantity", "amount")
_NET = ("party_code", "party", "owes", "owed", "net")
_Word = Callable[[str], str]


class FileSchema(WhichSchema):
    language = fields.String(
        load_default=None,
        validate=validate.OneOf(LANGUAGES),
        metadata={"description": "of headings; else as `Accept-Language` asks"},
    )


def _words(arguments: dict[str, Any]) -> _Word:
    chosen = arguments["language"] or language()
    return lambda key: say(f"settlement.{key}", chosen)


def _about(found: Statement, word: _Word) -> tuple[Cell, ...]:
    head = found.header
    return (head.settlement_no, head.version, word(f"state.{head.state}"), head.from_date, head.until_date)


def _party(found: Statement, store_id: int | None, word: _Word) -> tuple[Cell, Cell]:
    if store_id is None:
        return "", word("headquarters")
    return found.parties[store_id].code, found.parties[store_id].name


def _line(found: Statement, line: Line, word: _Word) -> tuple[Cell, ...]:
    counted: tuple[Cell, Cell] = (line.quantity, line.late_quantity)
    if line.unit != POINTS:
        counted = (yuan(line.quantity), yuan(line.late_quantity))
    return (
        *_about(found, word),
        *_party(found, line.debtor_id, word),
        *_party(found, line.creditor_id, word),
        word(f"unit.{line.unit}"),
        *counted,
        yuan(line.amount_fen),
    )


def _net(found: Statement, net: Net, word: _Word) -> tuple[Cell, ...]:
    amounts = (net.owes_fen, net.owed_fen, net.net_fen)
    return (*_about(found, word), *_party(found, net.store_id, word), *map(yuan, amounts))


def _lines_sheet(found: Statement, word: _Word) -> Sheet:
    return Sheet(
        name=word("sheet.lines"),
        headings=[word(key) for key in _ABOUT + _LINE],
        rows=[_line(found, line, word) for line in found.lines],
    )


def _nets_sheet(found: Statement, word: _Word) -> Sheet:
    return Sheet(
        name=word("sheet.nets"),
        headings=[word(key) for key in _ABOUT + _NET],
        rows=[_net(found, net, word) for net in found.nets],
    )


def _file(found: Statement, content: bytes, kind: str, ending: str) -> Response:
    name = f"settlement-{found.header.settlement_no}-v{found.header.version}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, content_type=kind, headers=headers)


def _documented(kind: str, what: str) -> dict[str, Any]:
    content = {kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}}
    return {"200": {"description": what, "content": content}}


@blueprint.get("/<int:settlement_no>/statement.csv")
@blueprint.arguments(FileSchema(), location="query")
@blueprint.doc(security=STAFF, responses=_documented(CSV_TYPE, "the lines, in UTF-8 with a byte order mark"))
def as_csv(arguments: dict[str, Any], settlement_no: int) -> Response:
    """The lines as CSV."""
    found, word = read(arguments, settlement_no), _words(arguments)
    return _file(found, to_csv(_lines_sheet(found, word)), CSV_TYPE, "csv")


@blueprint.get("/<int:settlement_no>/statement.xlsx")
@blueprint.arguments(FileSchema(), location="query")
@blueprint.doc(
    security=STAFF, responses=_documented(XLSX_TYPE, "a workbook: the lines, and the net by store")
)
def as_xlsx(arguments: dict[str, Any], settlement_no: int) -> Response:
    """The lines and the net of each store as a workbook."""
    found, word = read(arguments, settlement_no), _words(arguments)
    sheets = [_lines_sheet(found, word), _nets_sheet(found, word)]
    return _file(found, to_xlsx(sheets, created_at=found.header.closed_at or clock.now()), XLSX_TYPE, "xlsx")
