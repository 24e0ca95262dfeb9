"""A mail server for the demonstration: keeps each message as a file instead of sending it on."""

import argparse
import asyncio
import signal
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as email_policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

HOST = "127.0.0.1"


class Folder:
    """Where messages are kept, one file each, named by when they came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        now = datetime.now(UTC)
        file = self._path / f"{now:%Y%m%d-%H%M%S-%f}.eml"
        half = file.with_suffix(".part")  # whoever lists the messages never sees half of one
        half.write_bytes(envelope.content)
        half.rename(file)
        message = message_from_bytes(envelope.content, policy=email_policy)
        print(f"mail to {message['To']}: {message['Subject']} ({file.name})", flush=True)
        return "250 kept"


async def serve(port: int, folder: Path) -> None:
    """Listen until told to end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    handler = Folder(folder)
    async with await loop.create_server(lambda: SMTP(handler), HOST, port):
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.folder))


if __name__ == "__main__":
    main()
