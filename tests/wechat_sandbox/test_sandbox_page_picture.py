"""Pictures that open a page of the mini-program."""

from typing import Any

import pytest


def asked(sandbox: Any, **body: Any) -> Any:
    query = {"access_token": sandbox.token()}
    return sandbox.ask("POST", "/wxa/getwxacodeunlimit", params=query, json=body)


def test_a_picture_comes_instead_of_json(sandbox: Any) -> None:
    drawn = asked(sandbox, scene="k=1&x:(~)", page="pages/points/index")
    assert drawn.headers["Content-Type"] == "image/png"
    assert drawn.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"scene": "x" * 33}, 40129),
        ({"scene": "é"}, 40129),
        ({"scene": "x", "page": "pages/nowhere/index"}, 41030),
        ({"scene": "x", "page": "/pages/points/index"}, 41030),
        ({"scene": "x", "env_version": "formal"}, 40097),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_json(sandbox: Any, body: Any, errcode: int) -> None:
    assert asked(sandbox, **body).json()["errcode"] == errcode
    assert asked(sandbox, scene="x", page="pages/nowhere/index", check_path=False).content[1:4] == b"PNG"
