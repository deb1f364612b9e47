"""Calls of `qemu.qmp`, QEMU's own client: prints the seconds that so many take, on a new connection to the socket."""

import asyncio
import sys
import time

from qemu.qmp import QMPClient


async def main(socket, calls):
    client = QMPClient()
    await client.connect(socket)
    start = time.monotonic()
    for _ in range(calls):
        assert not (await client.execute("query-status"))["running"]
    print(time.monotonic() - start)
    await client.disconnect()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
