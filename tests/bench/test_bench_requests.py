"""Requests that the load generator sends, and how it reads answers."""

import os
import socket
import threading

import pytest

from bench import load
from bench.cpu import tree_cpu_s
from bench.requests import TICKET, request, ticket_in, whole

ANSWER = b'HTTP/1.1 201 Created\r\nContent-Length: 57\r\n\r\n{"ticket":"' + b"k" * 43 + b'"}'


def test_a_request_says_how_long_its_body_is() -> None:
    made = request("POST", "/x", token="secret", key="k-1", body={"name": "牛奶"})
    head, _, body = made.partition(b"\r\n\r\n")
    assert body == '{"name":"牛奶"}'.encode()
    assert head.split(b"\r\n") == [
        b"POST /x HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Accept: application/json",
        b"Authorization: Bearer secret",
        b"Idempotency-Key: k-1",
        b"Content-Type: application/json",
        f"Content-Length: {len(body)}".encode(),
    ]


def test_the_ticket_of_an_answer_fits_where_the_next_request_keeps_its_place() -> None:
    assert ticket_in(ANSWER) == b"k" * len(TICKET)
    with pytest.raises(ValueError, match="another length"):
        ticket_in(b'HTTP/1.1 201 Created\r\n\r\n{"ticket":"short"}')


def test_an_answer_is_whole_when_all_of_its_body_is_there() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    assert [whole(answer[:length]) for length in (10, 37, len(answer) - 1, len(answer))] == [False] * 3 + [
        True
    ]
    assert whole(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_the_load_stops_at_the_first_answer_that_is_not_2xx() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener,))
        thread.start()
        job = load.Job(
            port=listener.getsockname()[1],
            clients=1,
            operations=[(request("GET", "/"),)],
            repeat=True,
            warm_up_s=0.1,
            seconds=0.1,
            app_pid=1,
            database_pid=1,
        )
        with pytest.raises(load.LoadFailed, match="409 Conflict"):
            load.measure(job)
        thread.join(60)


def _answer_once(listener: socket.socket) -> None:
    listener.settimeout(60)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(60)
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")
        connection.recv(4096)


def test_cpu_time_of_a_tree_of_processes_grows_or_is_unknown() -> None:
    before = tree_cpu_s(os.getpid())
    sum(range(2_000_000))
    after = tree_cpu_s(os.getpid())
    assert (before is None and after is None) or (
        before is not None and after is not None and after >= before
    )
