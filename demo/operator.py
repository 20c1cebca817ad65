"""`python -m demo flask …`: what operators type, on the running demo and with its settings."""

import os
import subprocess
import sys

from demo.errors import DemoError
from demo.folder import Folder


def operate(folder: Folder, words: list[str]) -> int:
    """The command's exit code. Raises `DemoError` unless the demo runs."""
    settings = folder.settings_of_running()
    if settings is None:
        raise DemoError(
            "the demo is not running; start it first with: make demo",
            "演示没有在运行；请先运行 make demo",
        )
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    return subprocess.run(command, env={**os.environ, **settings}, check=False).returncode
