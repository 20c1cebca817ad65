import ast
import sys
from pathlib import Path

import pytest

import scan_codes

MODULES = sorted(Path(scan_codes.__file__).parent.glob("*.py"))
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def test_every_public_name_exists() -> None:
    assert all(hasattr(scan_codes, name) for name in scan_codes.__all__)
    assert len(set(scan_codes.__all__)) == len(scan_codes.__all__)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_only_the_drawing_module_needs_more_than_the_standard_library(module: Path) -> None:
    allowed = {*sys.stdlib_module_names, "scan_codes"}
    if module.name == "picture.py":
        allowed |= {"qrcode", "png"}
    assert imported_packages(module) <= allowed


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_reads_a_clock(module: Path) -> None:
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & CLOCK_CALLS
    assert "time" not in imported_packages(module)


def imported_packages(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names
