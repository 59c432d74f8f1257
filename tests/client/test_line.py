"""One connection of a client: how much a router can make it keep."""

import asyncio
import socket

from tests.support.loops import run
from wampd.client.line import MOST_UNSENT, open_line
from wampd.client.speech import Speech
from wampd.client.tls import Trust
from wampd.client.urls import read_url

PING = b"\x01\x10\x00\x00" + bytes(2**20)
"""A PING of RawSocket with 1 MiB."""


def test_who_reads_no_answer_is_not_listened_to_until_it_does():
    async def conversation():
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            url = read_url(f"rs://127.0.0.1:{server.getsockname()[1]}")
            opening = asyncio.ensure_future(open_line(url, Speech("json"), Trust(), {}))
            router, _ = await loop.sock_accept(server)
        with router:
            router.setblocking(False)
            await loop.sock_sendall(router, b"\x7f\xf1\x00\x00")
            line = await opening
            transport = line._transport
            sent = 0

            async def flood():
                nonlocal sent
                while sent < 64:
                    await loop.sock_sendall(router, PING)
                    sent += 1

            flooding = asyncio.ensure_future(flood())
            async with asyncio.timeout(20):
                while transport.is_reading():
                    await asyncio.sleep(0.001)
            assert not flooding.done()
            assert MOST_UNSENT < transport.get_write_buffer_size() < 2 * MOST_UNSENT

            left = 64 * len(PING) + 4  # the opening is there as well
            async with asyncio.timeout(20):
                while left:
                    left -= len(await loop.sock_recv(router, 2**20))
                await flooding
            assert transport.is_reading()
            line.hang_up()
            await line.closed(1)

    run(conversation())
