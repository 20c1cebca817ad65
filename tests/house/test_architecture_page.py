"""The page that newcomers read first draws the house that the contracts on imports hold up."""

import re
import tomllib
from typing import Any

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def layers(contracts: dict[str, Any], containing: str) -> list[set[str]]:
    """The rows of the contract that knows `containing`, from above."""
    for contract in contracts["contracts"]:
        rows = [set(row.split(" | ")) for row in contract.get("layers", [])]
        if any(containing in row for row in rows):
            return rows
    raise AssertionError(f"no contract knows {containing}")


def drawn(after: str) -> str:
    """The drawing that follows `after` on the page."""
    return PAGE.partition(after)[2].split("```")[1]


def test_the_rows_inside_app_are_those_of_the_contract(contracts: dict[str, Any]) -> None:
    """A row: names two spaces apart, then at least three spaces, then what they are."""
    lines = drawn("## Rows inside `app`").strip().splitlines()
    rows = [set(re.split(r" {2}", re.split(r" {3,}", line)[0])) for line in lines]
    assert rows == [{name.removeprefix("app.") for name in row} for row in layers(contracts, "app.work")]


def test_whatever_is_in_app_stands_in_a_row(contracts: dict[str, Any]) -> None:
    modules = {path.stem for path in (ROOT / "app").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    rows = layers(contracts, "app.work")
    assert modules | packages == {name.removeprefix("app.") for row in rows for name in row}


def test_every_package_is_drawn(contracts: dict[str, Any]) -> None:
    words = set(re.findall(r"\w+", drawn("# The house as it stands")))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"migrations"}
    assert sorted((packages | set(contracts["root_packages"])) - words) == []
    assert set().union(*layers(contracts, "web")) <= words
