"""Chinese or English: what the caller asked for."""

from flask import g, has_request_context, request

LANGUAGES = ("zh", "en")


def language() -> str:
    """`zh` or `en`: the signed-in person's choice if a page knows it, else `Accept-Language`, else Chinese."""
    if not has_request_context():
        return LANGUAGES[0]
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = g.language = _asked() if request.environ.get("HTTP_ACCEPT_LANGUAGE") else LANGUAGES[0]
    return chosen


def _asked() -> str:
    """The most wanted one of ours: by the language alone, `en-US` before a `zh` that is wanted less."""
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])
