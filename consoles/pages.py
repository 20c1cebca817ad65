"""What all pages have in common: the language the browser chose, and the headers of a page."""

from collections.abc import Callable

from flask import Blueprint, Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from web.headers import page_policy
from web.language import LANGUAGES

LANGUAGE_COOKIE = "language"
_LANGUAGE_LIFE_S = 365 * 24 * 3600


def use_chosen_language() -> None:
    """The switch on the page beats `Accept-Language`."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        g.language = chosen


def remember_language(response: AnyResponse, language: str) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_LANGUAGE_LIFE_S,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def as_pages(blueprint: Blueprint, *, camera: bool = False) -> None:
    """Let the blueprint answer with pages: language, content security policy, camera or none."""
    policy = page_policy(wasm=camera)
    permissions = f"camera={'(self)' if camera else '()'}, microphone=(), geolocation=()"

    def finish(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = permissions
        response.headers.add("Vary", "Cookie, Accept-Language")
        return response

    before: Callable[[], None] = use_chosen_language
    blueprint.before_request(before)
    blueprint.after_request(finish)
