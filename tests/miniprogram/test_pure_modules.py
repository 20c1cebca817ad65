"""The modules that need neither a phone nor a network, by Node's own test runner."""

from tests.miniprogram.preview_tools import ROOT, NodeRun

UNITS = ROOT / "tests" / "miniprogram" / "units"


def test_pure_modules_pass_under_node(node: NodeRun) -> None:
    files = sorted(UNITS.glob("*.test.cjs"))
    done = node("--test", *files)

    assert files
    assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout, done.stdout
