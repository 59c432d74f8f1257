"""xconn as the benchmark runs it: one realm, anonymous sessions, WAMP over WebSocket at /ws on 127.0.0.1.

usage: python router.py PORT. The event loop is uvloop, which xconn depends on and which is its faster choice.
"""

import asyncio
import sys

import uvloop
from xconn.router import Router
from xconn.server import Server


async def serve(port: int) -> None:
    router = Router()
    router.add_realm("realm1")
    await Server(router).start("127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
