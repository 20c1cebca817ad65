"""Where routes find what the product is put together from."""

from typing import cast

from flask import current_app

from app.parts import Parts


def parts() -> Parts:
    return cast(Parts, current_app.extensions["parts"])
