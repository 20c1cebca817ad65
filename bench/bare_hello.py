"""Flask with a single route and nothing else: the ceiling of the framework on this server."""

from flask import Flask, Response, jsonify


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/bench/hello")
    def hello() -> Response:
        return jsonify(hello="world")

    return app
