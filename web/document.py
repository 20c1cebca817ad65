"""The OpenAPI document: what flask-smorest gathered from the routes, and what is true of all of them."""

import re
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from flask import Flask

Operation = dict[str, Any]

METHODS = ("get", "post", "patch", "put", "delete")
_AUDIENCES = {"api": "Member", "pos": "Till", "office": "Back office"}

#: When an operation can be refused with a status, in the words of the document.
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON, or `Idempotency-Key` is missing.",
    HTTPStatus.UNAUTHORIZED: "Nobody is signed in, or what was presented is no longer good.",
    HTTPStatus.FORBIDDEN: "Signed in, but not allowed to do this here.",
    HTTPStatus.NOT_FOUND: "Not there, or not the caller's to see.",
    HTTPStatus.CONFLICT: "Clashes with what already happened; `busy`: repeat with the same key.",
    HTTPStatus.GONE: "Was good once; its time is over.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is over 64 KiB.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not `application/json`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request makes no sense as it stands; `fields` names what is wrong.",
    HTTPStatus.TOO_MANY_REQUESTS: "Asked too often; wait `retry_after_s` seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something we depend on does not answer; try again later.",
}


def document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1 of all JSON faces."""
    spec: dict[str, Any] = deepcopy(app.extensions["openapi"].gathered())
    spec["servers"] = [{"url": "/"}]
    spec["components"]["responses"] = {_name(status): _response(status) for status in _REFUSALS}
    spec["components"]["schemas"].pop("PaginationMetadata", None)
    titles = {tag["name"]: tag.get("description", "") for tag in spec.get("tags", [])}
    used: dict[str, None] = {}
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                _complete(item[method], path, method, bool(item.get("parameters")), spec)
                item[method]["tags"] = [f"{_audience(path)}: {titles[tag]}" for tag in item[method]["tags"]]
                used.update(dict.fromkeys(item[method]["tags"]))
    spec["tags"] = [{"name": tag} for tag in used]
    return spec


def _complete(operation: Operation, path: str, method: str, has_place: bool, spec: dict[str, Any]) -> None:
    operation["operationId"] = _operation_id(path, method)
    operation.setdefault("security", [])
    # Descriptions are Markdown, a summary is plain text.
    operation["summary"] = operation.get("summary", "").replace("`", "")
    if "requestBody" in operation:
        operation["requestBody"]["required"] = _needs_body(operation, spec)
    good = {status: told for status, told in operation["responses"].items() if str(status).startswith("2")}
    refusals = {
        str(int(status)): {"$ref": f"#/components/responses/{_name(status)}"}
        for status in _REFUSALS
        if _may_refuse(status, operation, path, method, has_place)
    }
    operation["responses"] = {**good, **refusals}


def _may_refuse(status: HTTPStatus, operation: Operation, path: str, method: str, has_place: bool) -> bool:
    """Told from the shape of the operation, so that no route can forget it."""
    has_body, keyed = "requestBody" in operation, _is_keyed(operation)
    writes, closed = method != "get", bool(operation["security"])
    audience = _audience(path)
    match status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.REQUEST_ENTITY_TOO_LARGE | HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return writes
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return has_body or keyed or bool(operation.get("parameters"))
        case HTTPStatus.FORBIDDEN:
            return (closed and audience != "Member") or (writes and not closed)
        case HTTPStatus.NOT_FOUND:
            return has_place or has_body or _asks_for_one(operation)
        case HTTPStatus.CONFLICT:
            return writes or "ticket" in _queried(operation)
        case HTTPStatus.GONE:
            # Codes, tickets and quotes at a till, and links that somebody takes something by.
            takes = audience == "Till" or path.endswith("/take")
            return (keyed and takes) or "ticket" in _queried(operation)
        case _:
            return closed or writes


def _is_keyed(operation: Operation) -> bool:
    return any(p.get("name") == "Idempotency-Key" for p in operation.get("parameters", []))


def _asks_for_one(operation: Operation) -> bool:
    """Whether a query names a thing, or the address means the one there is now, as its description says: it may not be
    there.
    """
    told = f"{operation.get('summary', '')} {operation.get('description', '')}"
    return bool(_queried(operation) & {"receipt_no", "store", "ticket"}) or "404 w" in told


def _queried(operation: Operation) -> set[Any]:
    """What is named in the query; a ticket may be nobody's, used up, or of the wrong kind."""
    return {p.get("name") for p in operation.get("parameters", []) if p.get("in") == "query"}


def _needs_body(operation: Operation, spec: dict[str, Any]) -> bool:
    """Whether some field must be sent, or a file; otherwise the body may be left out."""
    content = operation["requestBody"]["content"]
    if "application/json" not in content:
        return True
    schema = content["application/json"]["schema"]
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return bool(schema.get("required"))


def _operation_id(path: str, method: str) -> str:
    """`pos_get_sales_sale_id`: from the address alone, so that it stays when code moves."""
    audience, _, *rest = re.findall(r"\w+", path)
    return "_".join(["member" if audience == "api" else audience, method, *rest])


def _audience(path: str) -> str:
    return _AUDIENCES[path.split("/")[1]]


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "").replace("-", "")


def _response(status: HTTPStatus) -> dict[str, Any]:
    headers = {"X-Request-Id": {"schema": {"type": "string"}, "required": True}}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "required": True}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = {"schema": {"type": "string"}, "required": False}
    return {
        "description": _REFUSALS[status],
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
