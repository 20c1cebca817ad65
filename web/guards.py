"""Closed unless opened: each blueprint has one guard, or stands in the list of those that need none."""

from collections.abc import Callable

from flask import Blueprint, request

from app.errors import Unauthenticated

Guard = Callable[[], None]
_guards: dict[str, Guard] = {}
_open: dict[str, str] = {}


def guarded(blueprint: Blueprint, guard: Guard) -> None:
    """Nothing of this blueprint runs before `guard` has let the request pass (it raises to refuse)."""
    _guards[blueprint.name] = guard
    blueprint.before_request(guard)


def opened(blueprint: Blueprint, why: str) -> None:
    """This blueprint answers anybody, and why that is right."""
    _open[blueprint.name] = why


def is_guarded(blueprint_name: str) -> bool:
    return blueprint_name in _guards


def open_blueprints() -> dict[str, str]:
    """Name and reason of every blueprint without a guard."""
    return dict(_open)


def bearer_token() -> str:
    """The token of the `Authorization` header. Raises `Unauthenticated` when there is none of sane size."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 16 <= len(token) <= 200:
        raise Unauthenticated
    return token
