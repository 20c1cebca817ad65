"""Which bodies have one meaning."""

import io
import json
from typing import Any

import flask
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema
from webargs.core import missing
from werkzeug.exceptions import RequestEntityTooLarge

from web import api, bodies
from web.errors import MalformedJson

WORDS = st.text(alphabet='a:"\\ é', max_size=3)
READ = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(WORDS, inner), max_size=3).map(tuple),
    max_leaves=8,
)


def written(value: Any, gap: str) -> str:
    """As JSON; a tuple of pairs is an object, which may so have a key twice."""
    if isinstance(value, tuple):
        pairs = (f"{json.dumps(key)}{gap}:{gap}{written(one, gap)}" for key, one in value)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(one, gap) for one in value) + "]"
    return json.dumps(value)


def repeats(value: Any) -> bool:
    if isinstance(value, tuple):
        return len({key for key, _ in value}) < len(value) or any(repeats(one) for _, one in value)
    return isinstance(value, list) and any(map(repeats, value))


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("bodies")
    api.install(app)
    return app


@given(value=READ, gap=st.sampled_from(["", " ", "\n\t"]))
def test_an_object_with_a_key_twice_is_refused_and_nothing_else_is(app: Flask, value: Any, gap: str) -> None:
    with app.test_request_context(
        method="POST", data=written(value, gap).encode(), content_type="application/json"
    ):
        if repeats(value):
            with pytest.raises(MalformedJson):
                bodies.require_json()
        else:
            bodies.require_json()


@pytest.mark.parametrize(
    ("size", "after", "refused"),
    [
        (bodies.MAX_BODY_BYTES - 1, b"", False),
        (bodies.MAX_BODY_BYTES, b"", True),
        (bodies.MAX_BODY_BYTES, b"}{ something else", True),
        (3 * bodies.MAX_BODY_BYTES, b"", True),
    ],
)
def test_a_body_in_chunks_is_not_cut_off(app: Flask, size: int, after: bytes, refused: bool) -> None:
    body = b'{"a":1' + b" " * (size - 7) + b"}" + after
    sent = {
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    with app.test_request_context(method="POST", content_type="application/json", environ_overrides=sent):
        if refused:
            with pytest.raises(RequestEntityTooLarge):
                bodies.require_json()
        else:
            bodies.require_json()


def test_no_chunk_but_the_last_is_no_body(app: Flask) -> None:
    sent = {"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    with app.test_request_context(method="POST", content_type="text/plain", environ_overrides=sent):
        bodies.require_json()
        assert bodies.BodyParser().load_json(flask.request, Schema()) is missing


@pytest.mark.parametrize("length", ["0", "00", ""])
def test_a_length_of_nothing_is_no_body(app: Flask, length: str) -> None:
    with app.test_request_context(
        method="POST", content_type="text/plain", environ_overrides={"CONTENT_LENGTH": length}
    ):
        bodies.require_json()
