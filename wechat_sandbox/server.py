"""Puts the sandbox together and runs it on a loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from wechat_sandbox.config import Config, ConfigError
from wechat_sandbox.config_parse import is_loopback
from wechat_sandbox.control_guard import guard
from wechat_sandbox.control_official import add_official_routes
from wechat_sandbox.control_pay import add_pay_control_routes
from wechat_sandbox.control_people import add_people_routes
from wechat_sandbox.control_platform import add_platform_control_routes
from wechat_sandbox.pages import add_page_routes
from wechat_sandbox.pay_api import add_pay_routes
from wechat_sandbox.platform_api import add_platform_routes
from wechat_sandbox.platform_call import HOLDER, MAIL, Holder
from wechat_sandbox.sms import send_sms
from wechat_sandbox.smtp import MailServer
from wechat_sandbox.world import World

READY = "wechat-sandbox ready "


def build(config: Config) -> web.Application:
    """The aiohttp application of one sandbox."""
    app = web.Application(middlewares=[guard])
    app[HOLDER] = Holder(World(config))
    add_platform_routes(app)
    add_people_routes(app)
    add_official_routes(app)
    add_platform_control_routes(app)
    add_pay_routes(app)
    add_pay_control_routes(app)
    add_page_routes(app)
    app.router.add_post("/", send_sms)
    if config.mail:
        app.cleanup_ctx.append(_mail_is_taken)
    app.cleanup_ctx.append(_pushes_end_with_the_server)
    return app


async def serve(config: Config, *, host: str, port: int, until_stdin_closes: bool) -> None:
    """Serve until SIGTERM or SIGINT, or until standard input ends. Prints one line when ready.

    ``port`` 0 takes a free one. Raises ConfigError for an address that is not loopback, OSError when taken.
    """
    if not is_loopback(host):
        raise ConfigError("the sandbox listens on a loopback address only")
    # a hanging request (a fault) must not keep the process alive
    runner = web.AppRunner(build(config), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1_024
    )
    await web.SockSite(runner, listener).start()
    name, bound = listener.getsockname()[:2]
    print(f"{READY}http://{f'[{name}]' if ':' in name else name}:{bound}", flush=True)
    try:
        await _told_to_stop(until_stdin_closes)
    finally:
        await runner.cleanup()


async def _told_to_stop(until_stdin_closes: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop
            loop.add_signal_handler(one, stop.set)
    if until_stdin_closes:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ended = asyncio.create_task(reader.read())
        ended.add_done_callback(lambda _: stop.set())
    await stop.wait()


async def _mail_is_taken(app: web.Application) -> AsyncIterator[None]:
    holder = app[HOLDER]
    server = app[MAIL] = MailServer(
        lambda letter: holder.world.letters.take(letter), lambda: holder.world.clock.now()
    )
    await server.start()
    yield
    await server.close()


async def _pushes_end_with_the_server(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[HOLDER].world.close()
