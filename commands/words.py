"""Refusals at the command line: a sentence and exit code 1 instead of a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.errors import DomainError
from app.texts import refusal_text


@contextmanager
def said() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        facts = "".join(f" {name}={value}" for name, value in error.data.items())
        told = refusal_text(error.code, error.data, "en")
        raise click.ClickException(f"{error.code}: {told}{facts}") from None
