"""Requests as bytes, made before the clock starts."""

import json
from collections.abc import Mapping

#: Stands in a prepared request for the ticket that an answer will bring; as long as one, so that lengths hold.
TICKET = b"<" + b"t" * 41 + b">"

#: One thing a client does: requests sent one after another on one connection, counted as one.
Operation = tuple[bytes, ...]


def request(
    method: str,
    path: str,
    *,
    token: str | None = None,
    key: str | None = None,
    body: Mapping[str, object] | None = None,
) -> bytes:
    """An HTTP/1.1 request, kept alive. `key` is its Idempotency-Key."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if key is not None:
        lines.append(f"Idempotency-Key: {key}")
    content = b""
    if body is not None:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def ticket_in(answer: bytes) -> bytes:
    """The ticket of a scan's answer. Raises ValueError when there is none."""
    ticket: str = json.loads(answer.partition(b"\r\n\r\n")[2])["ticket"]
    if len(ticket) != len(TICKET):
        raise ValueError("a ticket of another length: the prepared requests do not fit it")
    return ticket.encode()


def whole(answer: bytes) -> bool:
    """Whether this is a complete answer and not the beginning of one."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    _, found, length = head.lower().partition(b"content-length:")
    return not found or len(body) >= int(length.partition(b"\r\n")[0])
