"""`flask --app wsgi openapi …`: the interface as a document."""

import json
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from web import document as openapi

group = AppGroup("openapi", help="The OpenAPI document.")


def document() -> str:
    """OpenAPI 3.1, keys sorted, so that two versions can be compared."""
    return json.dumps(openapi.document(current_app), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


@group.command("print")
@click.option("--output", type=click.Path(path_type=Path), help="Write here instead of to standard output.")
def print_document(output: Path | None) -> None:
    """Print the document; docs/openapi.json is its committed copy."""
    if output is None:
        click.echo(document(), nl=False)
    else:
        output.write_text(document(), encoding="utf-8")
