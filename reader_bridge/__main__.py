"""Starts the bridge: ``python -m reader_bridge``. Says in words what is wrong."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from reader_bridge import enrolling, installing, settings, workstation
from reader_bridge.server import BridgeServer, NoFreePort
from reader_bridge.settings import ReaderKinds, Settings, SettingsError
from reader_bridge.workstation import WorkstationError

log = logging.getLogger("reader_bridge")

DONE, WRONG_SETTINGS, CANNOT_RUN = 0, 2, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit status."""
    options = _parser().parse_args(arguments)
    _log_to_stderr(options.log_level)
    try:
        if options.server and not (options.enrol and _knows(options.server, options.config)):
            status = installing.install(options.server, options.config, sys.stdin, sys.stdout)
            if status != DONE or not options.enrol:
                return status
        chosen = _settings(options)
        if options.enrol:
            return _enrol(chosen, options.server, options.enrol)
        if options.show_workstation:
            return _show_workstation(chosen)
        return asyncio.run(_run(chosen, options.port_file))
    except (SettingsError, WorkstationError) as error:
        _say(f"reader bridge: {error}")
        return WRONG_SETTINGS
    except NoFreePort as error:
        _say(f"reader bridge: {error}; is another bridge running?")
        return CANNOT_RUN
    except OSError as error:
        _say(f"reader bridge: {error}")
        return CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reader_bridge",
        description="Carries messages between one service's pages and this PC's smartcards.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=settings.default_file(),
        help="settings file (%(default)s)",
    )
    parser.add_argument(
        "--server",
        metavar="URL",
        help="fetch the settings from this service, show its key for confirmation, write the file",
    )
    parser.add_argument(
        "--enrol",
        metavar="CODE",
        help="enrol this PC with an install code of the RA Manager's (- reads it from the "
        "standard input); with --server URL, at that service, installing it first where needed",
    )
    parser.add_argument(
        "--show-workstation",
        action="store_true",
        help="print this PC's public key and its thumbprint as JSON, for its enrolment",
    )
    parser.add_argument("--readers", choices=[kind.value for kind in ReaderKinds])
    parser.add_argument("--first-port", type=int, metavar="PORT", help="0 takes any free one")
    parser.add_argument("--state", type=Path, metavar="FOLDER")
    parser.add_argument("--cards", type=Path, metavar="FOLDER", help="of the virtual cards")
    parser.add_argument(
        "--desk",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="let pages put virtual cards in and take them out",
    )
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write the port there when it is listening"
    )
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"]
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    """The settings of the file, with what the command line says instead."""
    chosen = settings.load(options.config)
    if options.readers is not None:
        chosen = replace(chosen, readers=ReaderKinds(options.readers))
    if options.first_port is not None:
        chosen = replace(chosen, first_port=settings.checked_port(options.first_port))
    if options.state is not None:
        chosen = replace(chosen, state=options.state)
    if options.cards is not None:
        chosen = replace(chosen, virtual=replace(chosen.virtual, cards=options.cards))
    if options.desk is not None:
        chosen = replace(chosen, virtual=replace(chosen.virtual, desk=options.desk))
    return chosen


def _knows(url: str, file: Path) -> bool:
    """Say whether the settings are those of this service already."""
    return file.exists() and url.rstrip("/") in settings.load(file).origins


def _enrol(chosen: Settings, url: str | None, code: str) -> int:
    """Bring an install code to the service: the one of the settings, or the one named.

    Raises:
        SettingsError: there are several to choose from.
    """
    origins = (url.rstrip("/"),) if url else chosen.origins
    if len(origins) != 1:
        raise SettingsError("the settings name several services: say which with --server URL")
    if code == "-":
        _say("Install code:")
        code = sys.stdin.readline()
    own = workstation.load_or_make(chosen.state)
    return enrolling.enrol(origins[0], code.strip(), own, sys.stdout)


def _show_workstation(chosen: Settings) -> int:
    own = workstation.load_or_make(chosen.state)
    _say(json.dumps({"thumbprint": own.thumbprint, "jwk": own.jwk, "name": own.name}), sys.stdout)
    return DONE


async def _run(chosen: Settings, port_file: Path | None) -> int:
    server = BridgeServer(chosen)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
            break
    await server.start()
    try:
        if port_file is not None:
            _write_whole(port_file, f"{server.port}\n")
        _say(f"reader bridge on port {server.port}", sys.stdout)
        await stop.wait()
    finally:
        await server.stop()
        if port_file is not None:
            port_file.unlink(missing_ok=True)
    if server.is_stuck:
        logging.shutdown()
        os._exit(DONE)  # a reader that does not come back would keep its thread, and us, for ever
    return DONE


def _write_whole(file: Path, text: str) -> None:
    """Whoever waits for the file never reads half of it."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text)
    draft.replace(file)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,  # of other people's packages
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    log.setLevel(level.upper())


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stderr
    stream.write(text + "\n")
    stream.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(DONE)
