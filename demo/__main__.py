"""`python -m demo`, `python -m demo reset`, `python -m demo openapi`, `python -m demo flask …`: see README."""

import argparse
import itertools
import os
import sys
from pathlib import Path

from app.settings import SettingsError
from demo import ports
from demo.errors import DemoError
from demo.folder import Folder, Occupied
from demo.operator import operate
from demo.places import table
from demo.wanted import Wanted
from embedded.errors import EmbeddedError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    # What stands behind `flask` is an operator's command, and none of ours.
    ours = list(itertools.takewhile(lambda word: word != "flask", sys.argv[1:]))
    theirs = sys.argv[len(ours) + 1 :]
    words = _parser().parse_args(ours)
    if words.what == "openapi":
        from demo.interface import openapi

        sys.stdout.write(openapi())
        return 0
    folder = Folder(words.data)
    try:
        if theirs:
            return operate(folder, theirs[1:])
        return _reset(folder) if words.what == "reset" else _start(folder, words)
    except DemoError as error:
        print(f"{error.chinese}\n{error.english}", file=sys.stderr)
    except SettingsError as fault:
        # The keys of an earlier version: a demo is started over rather than converted.
        print(
            f"演示的设置已过时，请运行 make demo-reset。 Settings are out of date ({fault}): make demo-reset",
            file=sys.stderr,
        )
    except EmbeddedError as error:
        print(f"演示无法启动或清空 The demo cannot do this: {error}", file=sys.stderr)
    return 1


def _start(folder: Folder, words: argparse.Namespace) -> int:
    wanted = Wanted(folder=folder, port=words.port, sandbox_port=words.sandbox_port, members=words.members)
    try:
        ports.check_different(wanted.port, wanted.sandbox_port)
        with folder.held():
            ports.check(wanted.port, "PORT")
            ports.check(wanted.sandbox_port, "SANDBOX_PORT")
            print(
                "正在启动，首次约需半分钟…… Starting; the first time takes up to half a minute …", flush=True
            )
            from demo.launch import run  # with it comes the whole product, which takes a second

            run(wanted)
    except KeyboardInterrupt:
        return 0
    except Occupied as other:
        if other.places is None:
            print("演示正在另一个终端中启动 The demo is being started in another terminal", file=sys.stderr)
            return 1
        print(
            "演示已在运行，未重复启动；要换端口，请先停止它"
            " It runs already; nothing was started. To take other ports, stop it first"
            f"\n\n{table(other.places, here=False)}"
        )
    return 0


def _reset(folder: Folder) -> int:
    try:
        with folder.held():
            folder.empty()
    except Occupied:
        print(
            "演示正在运行，请先在启动它的终端中按 Ctrl-C 停止"
            " The demo is running: stop it first with Ctrl-C in the terminal where it was started",
            file=sys.stderr,
        )
        return 1
    print("演示数据已清空 The demo's data are gone; make demo 重新开始 starts anew")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Everything on this machine, to try out."
    )
    parser.add_argument("what", nargs="?", choices=("start", "reset", "openapi"), default="start")
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "demo", help="the folder for everything")
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT", "8000"), help="or PORT")
    parser.add_argument(
        "--sandbox-port", type=_port, default=os.environ.get("SANDBOX_PORT", "8001"), help="or SANDBOX_PORT"
    )
    parser.add_argument("--members", type=_members, default=50, help="made up on the first start")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= ports.HIGHEST:
        raise argparse.ArgumentTypeError(f"{text!r} 不是端口号，应为 1 到 65535 is not a port: 1 to 65535")
    return int(text)


def _members(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 400:
        raise argparse.ArgumentTypeError("会员数应为 1 到 400 members: 1 to 400")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
