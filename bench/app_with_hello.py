"""The product, with one more route: what a request costs that asks for nothing. Only benchmarks serve this."""

from flask import Blueprint, Flask, Response

import wsgi
from web.answers import answer
from web.guards import opened

blueprint = Blueprint("bench", __name__)
opened(blueprint, "says hello, to measure what all requests cost; not part of the product")


@blueprint.get("/bench/hello")
def hello() -> Response:
    return answer({"hello": "world"})


def create_app() -> Flask:
    """As `wsgi.create_app`, settings from the environment."""
    app = wsgi.create_app()
    app.register_blueprint(blueprint)
    return app
