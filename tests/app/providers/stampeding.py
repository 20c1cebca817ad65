"""One process of a token stampede: it reads what to do as JSON, says that it is ready, and waits for its turn."""

import json
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import redis

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient
from app.providers.wechat.errors import TEMPLATE_SEND
from app.providers.wechat.shared_token import SharedToken

DATA = {"thing1": {"value": "积分到账"}}


@contextmanager
def open_to_all(_shared):
    yield True


def client_of(app, task, server):
    return WechatClient(
        app["id"],
        app["secret"],
        shared=server,
        clock=lambda: datetime.now(UTC),
        base_url=task["url"],
        read_timeout_s=5,
    )


def send(client, to, template_id):
    """By subscribe message, or by template message if `to` is an openid of the official account."""
    if not to["official"]:
        client.send_subscribe_message(to["openid"], template_id, None, DATA)
    else:
        body = {"touser": to["openid"], "template_id": template_id, "data": DATA}
        client._with_token("POST", TEMPLATE_SEND, body=body)


def main():
    task = json.loads(sys.stdin.readline())
    if not task["locked"]:
        SharedToken.refreshing = open_to_all
    server = redis.Redis.from_url(task["redis"], socket_timeout=5, socket_connect_timeout=5)
    apps = {
        official: client_of(app, task, server)
        for official, app in zip((False, True), task["apps"], strict=True)
    }
    barrier, failures = threading.Barrier(len(task["people"])), []

    def work(to):
        barrier.wait(60)
        for _ in range(task["sends"]):
            try:
                send(apps[to["official"]], to, task["template"])
            except (ProviderRefused, ProviderUnavailable) as failure:
                failures.append(failure.reason)
            time.sleep(task["pause_s"])

    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=work, args=(to,)) for to in task["people"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(failures), flush=True)


if __name__ == "__main__":
    main()
