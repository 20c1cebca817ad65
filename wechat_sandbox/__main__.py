"""``python -m wechat_sandbox --port 8001 --app-id wx… --secret …``: see docs/sandbox.md."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wechat_sandbox.config import JSON_SHAPES, PUSH_FORMATS, Config, ConfigError
from wechat_sandbox.config_parse import config_from, latency_from_text, template_from_text
from wechat_sandbox.server import serve


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m wechat_sandbox", description="A stand-in WeChat.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port (default 8001)")
    parser.add_argument(
        "--config", metavar="FILE", help="JSON configuration; - reads one line of standard input"
    )
    parser.add_argument("--app-id")
    parser.add_argument("--secret")
    parser.add_argument("--brand", help="the mini-program's name, as shown on the phones")
    parser.add_argument("--seed", help="repeat a run exactly")
    parser.add_argument("--user", action="append", metavar="NAME", help="a phone to begin with")
    parser.add_argument(
        "--template", action="append", metavar="ID:KIND:KEY[:TYPE],…", help="KIND 2 one-time, 3 long-term"
    )
    parser.add_argument("--callback-url")
    parser.add_argument("--callback-token")
    parser.add_argument("--callback-aes-key", metavar="43 CHARACTERS")
    parser.add_argument("--callback-format", choices=PUSH_FORMATS)
    parser.add_argument("--callback-json-shape", choices=JSON_SHAPES)
    parser.add_argument("--latency-ms", metavar="MS or P50:P99")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started this one"
    )
    return parser


def config_of(given: argparse.Namespace) -> Config:
    """The configuration file, with what the command line says on top. Raises ConfigError."""
    values = _file_values(given.config)
    plain = {"app_id": given.app_id, "secret": given.secret, "brand": given.brand, "seed": given.seed}
    values.update({name: value for name, value in plain.items() if value is not None})
    if given.user:
        values["users"] = given.user
    if given.template:
        values["templates"] = [asdict(template_from_text(one)) for one in given.template]
    if given.latency_ms:
        values["latency"] = asdict(latency_from_text(given.latency_ms))
    callback = {
        "url": given.callback_url,
        "token": given.callback_token,
        "aes_key": given.callback_aes_key,
        "format": given.callback_format,
        "json_shape": given.callback_json_shape,
    }
    callback = {name: value for name, value in callback.items() if value is not None}
    if callback:
        values["callback"] = {**(values.get("callback") or {}), **callback}
    return config_from(values)


def _file_values(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(sys.stdin.readline() if path == "-" else Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the configuration cannot be read: {type(error).__name__}") from None
    if not isinstance(values, dict):
        raise ConfigError("the configuration is not a JSON object")
    return values


def main() -> int:
    """Run until stopped; 2 when the configuration cannot be used."""
    given = arguments().parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(
                serve(
                    config_of(given),
                    host=given.host,
                    port=given.port,
                    until_stdin_closes=given.until_stdin_closes,
                )
            )
    except (ConfigError, OSError) as error:
        print(f"wechat-sandbox: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
