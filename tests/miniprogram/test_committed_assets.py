"""What is committed for browsers is exactly what the pinned packages and the sources make."""

import json
import pathlib
import re

from tests.miniprogram.preview_tools import PREVIEW, ROOT, NodeRun


def test_the_preview_bundle_is_up_to_date(node: NodeRun) -> None:
    node(PREVIEW / "build.mjs", "--check")


def test_the_vendored_assets_are_up_to_date(node: NodeRun) -> None:
    node(PREVIEW / "vendor_assets.mjs", "--check")


def test_every_vendored_package_is_pinned_exactly() -> None:
    pinned = json.loads((PREVIEW / "package.json").read_text())["devDependencies"]
    manifest = json.loads((ROOT / "consoles/static/vendor/MANIFEST.json").read_text())

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    assert {entry["package"]: entry["version"] for entry in manifest.values()}.items() <= pinned.items()


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (PREVIEW / "package-lock.json").read_text()


def test_no_vendored_file_points_to_a_source_map_that_is_not_there() -> None:
    shipped = [*_files(ROOT / "consoles/static/vendor"), *_files(PREVIEW / "dist")]

    assert [file for file in shipped if b"sourceMappingURL" in file.read_bytes()] == []


def test_the_preview_page_has_no_inline_script_or_style() -> None:
    page = (PREVIEW / "dist/index.html").read_text()

    assert "<style" not in page
    assert " style=" not in page
    assert re.findall(r"<script(?![^>]* src=)", page) == []


def test_the_bundle_does_not_evaluate_text_as_code() -> None:
    bundle = (PREVIEW / "dist/mp.js").read_text()

    assert re.findall(r"\beval\(|new Function\(", bundle) == []


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return [file for file in folder.rglob("*") if file.is_file()]
