"""The README's walk works as printed, in both languages, and the languages do not drift apart."""

import re
import subprocess

import pytest

from tests.demo.launching import ROOT, Demo

LANGUAGES = ["README.md", "README.zh-CN.md"]
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r" +# .*$", re.MULTILINE)


def _walk(file: str) -> str:
    return "\n".join(_BLOCK.findall((ROOT / file).read_text("utf-8")))


def test_the_walk_works_as_printed(demo: Demo) -> None:
    """In one language: both print the same commands."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _walk(LANGUAGES[0])],
        cwd=demo.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert '"points_earned":36' in done.stdout.replace(" ", "")
    assert '"points":36' in done.stdout.replace(" ", "")
    assert "¥36.50" in done.stdout
    assert "guest@example.com" in done.stdout.rpartition('"letters"')[2]
    assert done.stderr == ""


def test_both_languages_print_the_same_commands() -> None:
    english, chinese = (_COMMENT.sub("", _walk(file)) for file in LANGUAGES)

    assert english == chinese
    assert "curl" in english


@pytest.mark.parametrize("file", [*LANGUAGES, "CONTRIBUTING.md", "SECURITY.md", "docs/operations.md"])
def test_every_link_leads_somewhere(file: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / file).read_text("utf-8"))

    assert [link for link in links if not (ROOT / file).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("file", LANGUAGES)
def test_what_is_where_is_there(file: str) -> None:
    table = (ROOT / file).read_text("utf-8").partition("| --- | --- |\n")[2].partition("\n\n")[0]
    folders = re.findall(r"`(\w+)/`", table)

    assert len(folders) > 10
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
