"""Where the link in advertising mail leads: a mail program posts to it, a person sees a page with one button."""

from flask import Blueprint, Response, make_response, render_template

from app import clock
from web.guards import opened
from web.headers import page_policy
from web.parts import parts

blueprint = Blueprint("unsubscribe", __name__)
opened(blueprint, "mail programs do not sign in; the link is signed, and does nothing but end advertising")


@blueprint.get("/unsubscribe/<token>")
def ask(token: str) -> Response:
    """Changes nothing: programs that look for bad links open every one of them."""
    parts().unsubscribe.read(token)
    return _page(done=False)


@blueprint.post("/unsubscribe/<token>")
def take(token: str) -> Response:
    """By the button, or by a mail program (RFC 8058). What it posts is of no interest."""
    parts().unsubscribe.take(token, now=clock.now())
    return _page(done=True)


def _page(*, done: bool) -> Response:
    response = make_response(
        render_template("unsubscribe.html", done=done, brand=parts().settings.brand_name)
    )
    response.headers["Content-Security-Policy"] = page_policy()
    return response
