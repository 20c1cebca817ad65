"""The mini-program's sources, as WeChat's own compilers and the TypeScript checker see them."""

import pathlib
import platform
import shutil

import pytest

from tests.miniprogram.preview_tools import PREVIEW, ROOT, NodeRun

MINIPROGRAM = ROOT / "miniprogram"
COMPILE = """
const compiler = require(process.argv[1]);
compiler.wxmlToJs(process.argv[2]);
compiler.wxssToJs(process.argv[2]);
"""

SAME_KEYS = """
const keys = (file) => Object.keys(require(file)).sort().join();
process.exit(keys(process.argv[1]) === keys(process.argv[2]) ? 0 : 1);
"""


def _compile(node: NodeRun, source: pathlib.Path) -> tuple[int, str]:
    compiler = PREVIEW / "node_modules" / "miniprogram-compiler"
    done = node("-e", COMPILE, compiler, source, check=False)
    return done.returncode, done.stdout + done.stderr


# WeChat publishes its compilers for Linux on x86-64 alone; elsewhere these two are not collected, and say so here.
if platform.system() == "Linux" and platform.machine() == "x86_64":

    def test_wechats_own_compilers_accept_every_page(node: NodeRun) -> None:
        code, output = _compile(node, MINIPROGRAM)

        assert code == 0, output

    @pytest.mark.parametrize(
        ("file", "fault"),
        [("pages/code/index.wxml", "<view>never closed"), ("pages/code/index.wxss", ".card { color: red")],
    )
    def test_wechats_own_compilers_refuse_a_broken_page(
        node: NodeRun, tmp_path: pathlib.Path, file: str, fault: str
    ) -> None:
        copy = tmp_path / "miniprogram"
        shutil.copytree(MINIPROGRAM, copy)
        (copy / file).write_text(fault)

        code, output = _compile(node, copy)

        assert code != 0, output

else:
    print("not run: WeChat's WXML and WXSS compilers exist for Linux on x86-64 only")


def test_types_are_clean_against_wechats_api(node: NodeRun) -> None:
    node(PREVIEW / "node_modules" / "typescript" / "bin" / "tsc", "-p", MINIPROGRAM / "jsconfig.json")


def test_both_languages_have_the_same_texts(node: NodeRun) -> None:
    node("-e", SAME_KEYS, MINIPROGRAM / "i18n" / "zh.js", MINIPROGRAM / "i18n" / "en.js")
