"""Staff: listing, adding, changing, resetting a password."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.staff import accounts, pins
from app.staff.roles import MANAGE_STAFF, RIGHTS, Grant
from app.stores.setup import store_codes
from office_api.guard import STAFF, boss, my_stores, require_staff, stores_named
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, password, text, whole

blueprint = Blueprint("people", __name__, url_prefix="/office/v1/staff", description="Staff and their roles")
guarded(blueprint, require_staff)

MOST_GRANTS = 50


class GrantSchema(Strict):
    role = fields.String(required=True, validate=validate.OneOf(sorted(RIGHTS)))
    store = text(
        32, load_default=None, allow_none=True, metadata={"description": "store code; null: all stores"}
    )


class StaffSchema(Strict):
    id = fields.Integer(required=True)
    login = fields.String(required=True)
    staff_no = fields.String(required=True)
    name = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("active", "disabled")))
    version = fields.Integer(required=True)
    grants = fields.List(fields.Nested(GrantSchema()), required=True)


def dump_grants(grants: Sequence[Grant], codes: Mapping[int, str]) -> list[dict[str, Any]]:
    """With the codes of `codes_in` for at least these grants."""
    return [
        {"role": grant.role, "store": None if grant.store_id is None else codes[grant.store_id]}
        for grant in grants
    ]


def codes_in(grants: Iterable[Grant]) -> dict[int, str]:
    """The codes of the stores that stand in the grants, asked for in one question."""
    return store_codes({grant.store_id for grant in grants if grant.store_id is not None})


def _dump(person: accounts.StaffView, codes: Mapping[int, str] | None = None) -> dict[str, Any]:
    codes = codes_in(person.grants) if codes is None else codes
    return {
        "id": person.id,
        "login": person.login,
        "staff_no": person.staff_no,
        "name": person.name,
        "status": person.status,
        "version": person.version,
        "grants": dump_grants(person.grants, codes),
    }


def _load_grants(grants: list[dict[str, Any]]) -> tuple[Grant, ...]:
    ids = stores_named(MANAGE_STAFF, {grant["store"] for grant in grants if grant["store"] is not None})
    return tuple(Grant(g["role"], None if g["store"] is None else ids[g["store"]]) for g in grants)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(StaffSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """The people the caller manages."""
    my_stores(MANAGE_STAFF)
    wanted = asked(arguments)
    found = accounts.listing(boss=boss(), limit=wanted.limit + 1, after=numeric(wanted))
    codes = codes_in(grant for person in found for grant in person.grants)
    return answer(page(found, wanted, lambda person: person.id, partial(_dump, codes=codes)))


class NewStaffSchema(Strict):
    login = text(40, required=True)
    staff_no = text(16, required=True)
    name = text(60, required=True)
    password = password(required=True)
    grants = fields.List(
        fields.Nested(GrantSchema()), required=True, validate=validate.Length(1, MOST_GRANTS)
    )


@blueprint.post("")
@blueprint.arguments(NewStaffSchema())
@blueprint.response(201, StaffSchema())
@blueprint.doc(security=STAFF)
def add(arguments: dict[str, Any]) -> Response:
    """Add a person with their roles. The password is temporary: they change it when they first sign in, within 72 h."""
    my_stores(MANAGE_STAFF)
    person = accounts.add(
        login=arguments["login"],
        staff_no=arguments["staff_no"],
        name=arguments["name"],
        password=arguments["password"],
        grants=_load_grants(arguments["grants"]),
        boss=boss(),
        now=clock.now(),
    )
    return answer(_dump(person), 201)


class StaffChangeSchema(Strict):
    version = whole(1, 2**31 - 1, required=True)
    name = text(60, load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(("active", "disabled")))
    grants = fields.List(
        fields.Nested(GrantSchema()), load_default=None, validate=validate.Length(1, MOST_GRANTS)
    )


@blueprint.patch("/<int:staff_id>")
@blueprint.arguments(StaffChangeSchema())
@blueprint.response(200, StaffSchema())
@blueprint.doc(security=STAFF)
def change(arguments: dict[str, Any], staff_id: int) -> Response:
    """Rename, disable or enable, replace the roles; counts from the person's next request on."""
    my_stores(MANAGE_STAFF)
    grants = arguments["grants"]
    person = accounts.change(
        staff_id=staff_id,
        version=arguments["version"],
        name=arguments["name"],
        status=arguments["status"],
        grants=None if grants is None else _load_grants(grants),
        boss=boss(),
        now=clock.now(),
    )
    return answer(_dump(person))


class TemporaryPasswordSchema(Strict):
    temporary_password = fields.String(required=True, metadata={"description": "told this once"})


@blueprint.post("/<int:staff_id>/password-reset")
@blueprint.response(200, TemporaryPasswordSchema())
@blueprint.doc(security=STAFF)
def reset_password(staff_id: int) -> Response:
    """Give the person a new temporary password, good for 72 h; all their sessions end."""
    my_stores(MANAGE_STAFF)
    password = accounts.reset_password(staff_id=staff_id, boss=boss(), now=clock.now())
    return answer({"temporary_password": password})


@blueprint.post("/<int:staff_id>/pin-reset")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def reset_pin(staff_id: int) -> Response:
    """Take away a PIN that somebody has seen; the person sets another one."""
    my_stores(MANAGE_STAFF)
    pins.reset_pin(staff_id=staff_id, boss=boss(), now=clock.now())
    return nothing()
