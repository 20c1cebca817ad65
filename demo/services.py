"""The three programs that the launcher runs: stand-in WeChat, web server, worker."""

import json
from collections.abc import Mapping
from functools import partial

from demo import children, configuration
from demo.children import Child
from demo.keys import Keys
from demo.wanted import Wanted


def sandbox(wanted: Wanted, keys: Keys) -> Child:
    """The stand-in for WeChat; the address of its callback is where the web server will be."""
    return children.start(
        "sandbox",
        ["wechat_sandbox", "--config=-", f"--port={wanted.sandbox_port}"],
        wanted.folder.log("sandbox"),
        ready=partial(children.answers, f"{wanted.sandbox_url}/"),
        settings={},
        stdin=json.dumps(configuration.sandbox(keys, app_url=wanted.app_url)) + "\n",
    )


def web(wanted: Wanted, settings: Mapping[str, str]) -> Child:
    """The web server, as in production but for the one process and the few threads."""
    listen = ["--host=127.0.0.1", f"--port={wanted.port}", "--no-ws"]
    size = ["--workers=1", f"--blocking-threads={configuration.THREADS}"]
    return children.start(
        "web",
        [
            "granian",
            "--interface=wsgi",
            "--factory",
            "--respawn-failed-workers",
            *listen,
            *size,
            "wsgi:create_app",
        ],
        wanted.folder.log("web"),
        ready=partial(children.answers, f"{wanted.app_url}/readyz"),
        settings=settings,
    )


def worker(wanted: Wanted, settings: Mapping[str, str]) -> Child:
    """One worker: it sends the receipts."""
    log = wanted.folder.log("worker")
    return children.start(
        "worker",
        ["flask", "--app=wsgi", "worker"],
        log,
        ready=lambda: "worker ready" in log.read_text("utf-8", errors="replace"),
        settings=settings,
    )
