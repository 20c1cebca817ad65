"""Control plane, platform: time, tokens, faults, pushes, counts, and starting over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from wechat_sandbox.config import Latency
from wechat_sandbox.config_parse import callback_from, template_from
from wechat_sandbox.control_call import control, id_in, number_in, text_in, values_of, world_of
from wechat_sandbox.platform_call import HOLDER, MAIL
from wechat_sandbox.push import TAMPERINGS
from wechat_sandbox.world import World


async def reset(request: web.Request) -> dict[str, Any]:
    """POST /_sim/reset ``{"seed"?}``: a new world from the start's configuration."""
    holder, values = request.app[HOLDER], await values_of(request)
    old = holder.world
    seed = str(values["seed"]) if values.get("seed") is not None else old.config.seed
    holder.world = World(replace(old.config, seed=seed))
    await old.close()
    return {"reset": True}


async def read_clock(request: web.Request) -> dict[str, Any]:
    """GET /_sim/clock"""
    clock = world_of(request).clock
    return {"now": clock.now(), "frozen": clock.frozen}


async def advance_clock(request: web.Request) -> dict[str, Any]:
    """POST /_sim/clock/advance ``{"seconds"}``"""
    world_of(request).clock.advance(number_in(await values_of(request), "seconds"))
    return await read_clock(request)


async def freeze_clock(request: web.Request) -> dict[str, Any]:
    """POST /_sim/clock/freeze ``{"at"?: seconds since 1970}``"""
    values = await values_of(request)
    world_of(request).clock.freeze(number_in(values, "at") if "at" in values else None)
    return await read_clock(request)


async def run_clock(request: web.Request) -> dict[str, Any]:
    """POST /_sim/clock/run"""
    world_of(request).clock.run()
    return await read_clock(request)


async def revoke_tokens(request: web.Request) -> dict[str, Any]:
    """POST /_sim/token/revoke ``{"kind"?: "classic", "stable" or "all"}``: they answer 40001 from now on."""
    world, kind = world_of(request), (await values_of(request)).get("kind", "all")
    if kind not in ("classic", "stable", "all"):
        raise ValueError("kind is classic, stable or all")
    world.tokens.revoke(kind, world.clock.now())
    return {"revoked": kind}


async def add_template(request: web.Request) -> dict[str, Any]:
    """POST /_sim/templates: add one, or replace the one of that id (to ban it, send it with ``banned``)."""
    template = template_from(await values_of(request))
    world_of(request).templates[template.id] = template
    return {"id": template.id}


async def set_latency(request: web.Request) -> dict[str, Any]:
    """POST /_sim/latency ``{"p50_ms", "p99_ms"?}``"""
    values = await values_of(request)
    p50_ms = number_in(values, "p50_ms")
    world_of(request).latency = Latency(p50_ms, number_in(values, "p99_ms", p50_ms))
    return {"p50_ms": p50_ms}


async def faults(request: web.Request) -> dict[str, Any]:
    """GET /_sim/faults"""
    return {"faults": [one.as_json() for one in world_of(request).faults.all()]}


async def add_fault(request: web.Request) -> dict[str, Any]:
    """POST /_sim/faults ``{"match": {"path"?, "openid"?}, "action": {"type", …}, …}``

    Besides ``probability`` (1), ``count`` (until cleared) and ``moment`` (``before`` or ``after`` the work is done).
    """
    return world_of(request).faults.add(await values_of(request)).as_json()


async def clear_faults(request: web.Request) -> dict[str, Any]:
    """DELETE /_sim/faults, or /_sim/faults/{id} for one"""
    fault_id = request.match_info.get("id")
    world_of(request).faults.clear(int(fault_id) if fault_id else None)
    return await faults(request)


async def metrics(request: web.Request) -> dict[str, Any]:
    """GET /_sim/metrics"""
    return world_of(request).counts()


async def forget_metrics(request: web.Request) -> dict[str, Any]:
    """POST /_sim/metrics/reset: counts start again, everything else stays."""
    world_of(request).forget_counts()
    return await metrics(request)


async def set_callback(request: web.Request) -> dict[str, Any]:
    """PUT /_sim/callback: where events go from now on; ``{}`` means nowhere."""
    values = await values_of(request)
    world_of(request).pushes.callback = callback_from(values) if values else None
    return {"set": bool(values)}


async def notifications(request: web.Request) -> dict[str, Any]:
    """GET /_sim/notifications: the pushes and how they were answered, oldest first"""
    return {"notifications": [one.as_json() for one in world_of(request).pushes.all()]}


async def notify_drain(request: web.Request) -> dict[str, Any]:
    """POST /_sim/notify/drain ``{"timeout_s"?: 10}``: wait until every push is answered or given up."""
    timeout_s = min(number_in(await values_of(request), "timeout_s", 10), 60)
    world = world_of(request)
    drained = await world.pushes.drain(timeout_s)
    if world.official is not None:
        drained = await world.official.pushes.drain(timeout_s) and drained
    return {"drained": drained}


async def notify_replay(request: web.Request) -> dict[str, Any]:
    """POST /_sim/notify/replay ``{"id"?}``: the same bytes again (default: the newest push)."""
    return {"answers": await world_of(request).pushes.replay(id_in(await values_of(request)))}


async def notify_duplicate(request: web.Request) -> dict[str, Any]:
    """POST /_sim/notify/duplicate ``{"id"?, "copies"?: 2}``: at once, each encrypted and signed anew."""
    values = await values_of(request)
    copies = int(number_in(values, "copies", 2))
    if not 1 <= copies <= 64:
        raise ValueError("copies is 1 to 64")
    return {"answers": await world_of(request).pushes.duplicate(id_in(values), copies)}


async def notify_tamper(request: web.Request) -> dict[str, Any]:
    """POST /_sim/notify/tamper ``{"id"?, "what": "body", "signature", "app_id" or "timestamp"}``"""
    values = await values_of(request)
    what = text_in(values, "what")
    if what not in TAMPERINGS:
        raise ValueError(f"what is one of {TAMPERINGS}")
    return {"answers": await world_of(request).pushes.tamper(id_in(values), what)}


async def notify_verify(request: web.Request) -> dict[str, Any]:
    """POST /_sim/notify/verify: the GET with echostr that saving an address in the console makes."""
    return {"echoed": await world_of(request).pushes.verify_url()}


async def letters(request: web.Request) -> dict[str, Any]:
    """GET /_sim/letters: the SMS and letters that were taken, oldest first, and where letters are taken."""
    mail = request.app.get(MAIL)
    return {
        "letters": world_of(request).letters.as_json(),
        "smtp_port": None if mail is None else mail.port,
    }


def add_platform_control_routes(app: web.Application) -> None:
    """Mount the part of the control plane that is about the platform itself."""
    router = app.router
    router.add_post("/_sim/reset", control(reset))
    router.add_get("/_sim/clock", control(read_clock))
    router.add_post("/_sim/clock/advance", control(advance_clock))
    router.add_post("/_sim/clock/freeze", control(freeze_clock))
    router.add_post("/_sim/clock/run", control(run_clock))
    router.add_post("/_sim/token/revoke", control(revoke_tokens))
    router.add_post("/_sim/templates", control(add_template))
    router.add_post("/_sim/latency", control(set_latency))
    router.add_get("/_sim/faults", control(faults))
    router.add_post("/_sim/faults", control(add_fault))
    router.add_delete("/_sim/faults", control(clear_faults))
    router.add_delete(r"/_sim/faults/{id:\d+}", control(clear_faults))
    router.add_get("/_sim/letters", control(letters))
    router.add_get("/_sim/metrics", control(metrics))
    router.add_post("/_sim/metrics/reset", control(forget_metrics))
    router.add_put("/_sim/callback", control(set_callback))
    router.add_get("/_sim/notifications", control(notifications))
    router.add_post("/_sim/notify/drain", control(notify_drain))
    router.add_post("/_sim/notify/replay", control(notify_replay))
    router.add_post("/_sim/notify/duplicate", control(notify_duplicate))
    router.add_post("/_sim/notify/tamper", control(notify_tamper))
    router.add_post("/_sim/notify/verify", control(notify_verify))
