"""Stores, tills, and the keys of their machines."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.errors import NotFound
from app.staff.roles import MANAGE_KEYS, MANAGE_STORES
from app.stores import setup
from office_api.guard import STAFF, actor, my_stores, need, require_staff, store_named, where_i_work
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text, whole

blueprint = Blueprint("shops", __name__, url_prefix="/office/v1", description="Stores, tills and keys")
guarded(blueprint, require_staff)


class StoreSchema(Strict):
    code = fields.String(required=True)
    name = fields.String(required=True)
    time_zone = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("open", "closed")))
    version = fields.Integer(required=True)


def _dump_store(store: setup.StoreView) -> dict[str, Any]:
    return {
        "code": store.code,
        "name": store.name,
        "time_zone": store.time_zone,
        "status": store.status,
        "version": store.version,
    }


@blueprint.get("/stores")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(StoreSchema))
@blueprint.doc(security=STAFF)
def list_stores(arguments: dict[str, Any]) -> Response:
    """The stores in which the caller has a role, by code."""
    wanted = asked(arguments)
    found = setup.list_stores(store_ids=where_i_work(), limit=wanted.limit + 1, after=wanted.after)
    return answer(page(found, wanted, lambda store: store.code, _dump_store))


class NewStoreSchema(Strict):
    code = text(32, required=True)
    name = text(60, required=True)
    time_zone = text(64, required=True, metadata={"description": "IANA name, such as Asia/Shanghai"})


@blueprint.post("/stores")
@blueprint.arguments(NewStoreSchema())
@blueprint.response(201, StoreSchema())
@blueprint.doc(security=STAFF)
def open_store(arguments: dict[str, Any]) -> Response:
    """Open a store."""
    need(MANAGE_STORES, None)
    return answer(_dump_store(setup.open_store(**arguments, actor=actor(), now=clock.now())), 201)


class StoreChangeSchema(Strict):
    version = whole(1, 2**31 - 1, required=True)
    name = text(60, load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(("open", "closed")))


@blueprint.patch("/stores/<string:code>")
@blueprint.arguments(StoreChangeSchema())
@blueprint.response(200, StoreSchema())
@blueprint.doc(security=STAFF)
def change_store(arguments: dict[str, Any], code: str) -> Response:
    """Rename, close or reopen a store."""
    need(MANAGE_STORES, None)
    return answer(_dump_store(setup.change_store(code=code, **arguments, actor=actor(), now=clock.now())))


class NewTerminalSchema(Strict):
    code = text(32, required=True)
    name = text(60, required=True)


class TerminalSchema(Strict):
    code = fields.String(required=True)
    name = fields.String(required=True)
    store = fields.String(required=True)
    status = fields.String(required=True)


@blueprint.post("/stores/<string:store_code>/terminals")
@blueprint.arguments(NewTerminalSchema())
@blueprint.response(201, TerminalSchema())
@blueprint.doc(security=STAFF)
def add_terminal(arguments: dict[str, Any], store_code: str) -> Response:
    """Add a till to a store."""
    need(MANAGE_STORES, None)
    terminal = setup.add_terminal(store_code=store_code, **arguments, actor=actor(), now=clock.now())
    return answer(
        {
            "code": terminal.code,
            "name": terminal.name,
            "store": terminal.store_code,
            "status": terminal.status,
        },
        201,
    )


class ApiKeySchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    hint = fields.String(required=True, metadata={"description": "its last four characters"})
    store = fields.String(required=True)
    terminal = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


def _dump_key(key: setup.ApiKeyView) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "store": key.store_code,
        "terminal": key.terminal_code,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


@blueprint.get("/api-keys")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(ApiKeySchema))
@blueprint.doc(security=STAFF)
def list_api_keys(arguments: dict[str, Any]) -> Response:
    """The keys of the caller's stores, without the secret part."""
    wanted = asked(arguments)
    found = setup.list_api_keys(store_ids=my_stores(MANAGE_KEYS), limit=wanted.limit + 1, after=wanted.after)
    return answer(page(found, wanted, lambda key: key.id, _dump_key))


class NewApiKeySchema(Strict):
    store = text(32, required=True)
    terminal = text(32, required=True)
    name = text(60, required=True)


class CreatedApiKeySchema(Strict):
    id = fields.String(required=True)
    key = fields.String(required=True, metadata={"description": "shown this once"})


@blueprint.post("/api-keys")
@blueprint.arguments(NewApiKeySchema())
@blueprint.response(201, CreatedApiKeySchema())
@blueprint.doc(security=STAFF)
def create_api_key(arguments: dict[str, Any]) -> Response:
    """A key for the machine at a till."""
    store_named(MANAGE_KEYS, arguments["store"])
    created = setup.create_api_key(
        store_code=arguments["store"],
        terminal_code=arguments["terminal"],
        name=arguments["name"],
        actor=actor(),
        now=clock.now(),
    )
    return answer({"id": created.id, "key": created.key}, 201)


@blueprint.delete("/api-keys/<string:key_id>")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def revoke_api_key(key_id: str) -> Response:
    """Withdraw a key; it is worth nothing from the next request on."""
    stores = my_stores(MANAGE_KEYS)
    if stores is not None and setup.store_of_api_key(key_id) not in stores:
        raise NotFound
    setup.revoke_api_key(key_id=key_id, actor=actor(), now=clock.now())
    return nothing()
