"""The floor of every websocket: a server that sends back what it is sent."""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve

from reader_bridge.contract import HOST


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    async with serve(echo, HOST, port, compression=None):
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
