"""Chinese or English: what the caller asked for."""

from flask import g, has_request_context, request

LANGUAGES = ("zh", "en")


def language() -> str:
    """`zh` or `en`: the signed-in person's choice if a page knows it, else `Accept-Language`, else Chinese."""
    if not has_request_context():
        return LANGUAGES[0]
    chosen: str | None = g.get("language")
    if chosen is None:
        header = request.environ.get("HTTP_ACCEPT_LANGUAGE")
        chosen = (request.accept_languages.best_match(LANGUAGES) if header else None) or LANGUAGES[0]
        g.language = chosen
    return chosen
