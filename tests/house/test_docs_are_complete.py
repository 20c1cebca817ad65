"""Documentation is under test: what can be set, refused, typed or called stands in docs/."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator

import click
import pytest
from flask import Flask

from app.errors import DomainError
from app.settings import Settings
from app.texts.errors import ERRORS
from app.texts.errors_by_unit import ERRORS_BY_UNIT
from tests.conftest import ROOT
from web.errors import HTTP_CODES, status_of

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def refusals() -> dict[str, set[int]]:
    """Every code there is with the statuses it comes with."""
    for top in ("app", "web", "miniprogram_api", "pos_api", "office_api", "consoles"):
        package = importlib.import_module(top)
        for module in pkgutil.walk_packages(package.__path__, f"{top}."):
            importlib.import_module(module.name)
    found: dict[str, set[int]] = {"internal_error": {500}}
    for kind in kinds_of(DomainError):
        if kind.__module__.split(".")[0] != "tests":
            found.setdefault(kind.code, set()).add(int(status_of(kind())))
    for status, code in HTTP_CODES.items():
        found.setdefault(code, set()).add(status)
    return found


def kinds_of(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from kinds_of(child)


def test_every_refusal_has_a_sentence_in_both_languages(refusals: dict[str, set[int]]) -> None:
    assert sorted(set(refusals) - set(ERRORS)) == []
    assert sorted(set(ERRORS) - set(refusals)) == [], "a sentence for a code that nothing raises"
    assert {code for code, _ in ERRORS_BY_UNIT} <= set(ERRORS)
    for code, (zh, en) in [*ERRORS.items(), *ERRORS_BY_UNIT.items()]:
        assert re.search(r"[\u4e00-\u9fff]", zh), code
        assert zh.endswith(("。", "？", "！")), code
        assert not re.search(r"[\u4e00-\u9fff]", en), code
        assert en.endswith((".", "?", "!")), code


def test_every_refusal_stands_in_the_docs_with_its_status(refusals: dict[str, set[int]]) -> None:
    table = dict(
        re.findall(r"^\| `(\w+)` \| ([\d, ]+) \|", (DOCS / "errors.md").read_text(encoding="utf-8"), re.M)
    )
    told = {code: {int(status) for status in statuses.split(",")} for code, statuses in table.items()}
    assert told == refusals


def test_the_page_of_errors_has_a_place_for_each(app: Flask, refusals: dict[str, set[int]]) -> None:
    """Problem documents point there: `/docs/errors#code`."""
    page = app.test_client().get("/docs/errors").text
    assert [code for code in refusals if f'id="{code}"' not in page] == []


def test_every_setting_stands_in_the_docs() -> None:
    written = (DOCS / "config.md").read_text(encoding="utf-8")
    names = {field.name.upper() for field in dataclasses.fields(Settings)}
    assert sorted(name for name in names if f"`{name}`" not in written) == []
    in_table = {
        n for row in re.findall(r"^\| (`[A-Z].*?) \|", written, re.M) for n in re.findall(r"`(\w+)`", row)
    }
    assert sorted(in_table - names) == [], "a setting that is not there any more"


def test_every_command_stands_in_the_docs(whole_app: Flask) -> None:
    written = (DOCS / "commands.md").read_text(encoding="utf-8")
    ours = {
        "coupons",
        "db",
        "ledger",
        "lottery",
        "messages",
        "openapi",
        "policies",
        "staff",
        "stores",
        "tiers",
        "worker",
    }
    there = set()
    for name, command in whole_app.cli.commands.items():
        if name not in ours and not (command.callback or command).__module__.startswith("commands"):
            continue
        there |= {f"{name} {sub}" for sub in command.commands} if isinstance(command, click.Group) else {name}
    told = set(re.findall(r"^\| `([a-z][a-z -]*?[a-z])(?: [A-Z].*?)?` \|", written, re.M))
    assert told == there


def test_links_between_documents_lead_somewhere() -> None:
    for page in (*DOCS.rglob("*.md"), *ROOT.glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_there_is_a_changelog() -> None:
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").startswith("# ")
