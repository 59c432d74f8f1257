"""A partner registers a URL; what the shop publishes, and what it posts, arrives there, signed; what is refused is not lost.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``PARTNER_TICKET`` and ``SHOP_TICKET`` other tickets.
"""

import asyncio
import base64
import json
import os
import threading
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import txaio
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.exception import Disconnected
from autobahn.wamp.exception import ApplicationError
from receiver import Receiver

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")


def ticket(authid: str) -> str:
    """What proves who it is."""
    return os.environ.get(f"{authid.upper()}_TICKET", authid)


@asynccontextmanager
async def joined(authid: str) -> AsyncIterator[Session]:
    """A session of this principal. ConnectionError if there is no router that lets it in."""
    component = Component(
        transports=[{"type": "websocket", "url": URL, "max_retries": 0}],
        realm="realm1",
        authentication={"ticket": {"authid": authid, "ticket": ticket(authid)}},
    )
    arrival: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
    component.on("join", lambda session, _details: arrival.set_result(session))
    ended = component.start(asyncio.get_running_loop())
    await asyncio.wait([arrival, ended], return_when=asyncio.FIRST_COMPLETED)
    if not arrival.done():
        raise ConnectionError(f"no router lets {authid} in at {URL}") from ended.exception()
    try:
        yield arrival.result()
    finally:
        with suppress(Disconnected):
            arrival.result().leave()
        await asyncio.wait([ended])
        ended.exception()


def post(path: str, event: Any) -> tuple[int, Any]:
    """Post an event as the shop; the status and what is answered."""
    url = URL.replace("ws:", "http:").removesuffix("/ws") + path
    proof = base64.b64encode(f"shop:{ticket('shop')}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {proof}"}
    request = urllib.request.Request(url, json.dumps(event).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, json.load(answer)


async def example() -> None:
    """Let the partner register, and the shop tell of orders."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    refusing = threading.Event()

    def take(event: dict[str, Any]) -> int:
        if refusing.is_set():
            return 422
        loop.call_soon_threadsafe(arrived.put_nowait, event)
        return 204

    receiver = Receiver(0, take)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{receiver.server_port}/orders"

    async with joined("partner") as partner, joined("shop") as shop:
        hook = await partner.call(
            "wampd.hook.register", "orders", url, {"ttl": 3600, "filter": {"kwargs.state": "paid"}}
        )
        receiver.secret = hook["secret"]
        print("registered under", hook["key"])
        print("a ping:", await partner.call("wampd.hook.test", hook["id"]))
        print("the ping arrived as", (await asyncio.wait_for(arrived.get(), 10))["type"])

        shop.publish("hook.orders", 7, state="new")
        shop.publish("hook.orders", 7, state="paid")
        print("published, arrived:", (await asyncio.wait_for(arrived.get(), 10))["data"])

        refusing.set()
        status, told = await asyncio.to_thread(post, "/hook/orders", {"order": 8})
        print("posted:", status, "for", told["deliveries"], "webhooks: the filter does not let it through")
        accepted = await shop.call("wampd.hook.post", "orders", [9], {"state": "paid"})
        print("posted, on the disk for", accepted["deliveries"], "webhook")
        while not (dead := await partner.call("wampd.hook.dead", "orders")):
            await asyncio.sleep(0.1)
        print("refused", dead[0]["attempts"], "times with", dead[0]["why"])
        refusing.clear()
        await partner.call("wampd.hook.redeliver", dead[0]["delivery"])
        print("sent again, arrived:", (await asyncio.wait_for(arrived.get(), 10))["data"])

        await partner.call("wampd.hook.unregister", hook["id"])
        try:
            await partner.call("wampd.hook.register", "orders", "http://169.254.169.254/latest/meta-data")
        except ApplicationError as error:
            print(f"another URL: {error.error}, {error.args[0]}")
        try:
            await partner.call("wampd.hook.register", "salaries", url)
        except ApplicationError as error:
            print(f"another key: {error.error}, {error.args[0]}")


if __name__ == "__main__":
    txaio.start_logging(level="critical")
    try:
        asyncio.run(example())
    except ConnectionError as why:
        raise SystemExit(f"{why}; start one with: wampd run examples/webhooks/config.yaml") from None
