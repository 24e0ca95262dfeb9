"""`make demo`: the whole service on this machine, with demonstration people and virtual cards.

Prepares what is not there yet, starts mail catcher, bridge, server and the delivery of mail, says
where to go, and ends all of them together: on Ctrl-C, or as soon as one of them ends.
"""

import importlib.util
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app.services.demonstration import PLAN
from config import SELF_SERVICE_MODES
from reader_bridge.contract import PORTS
from tools import ports
from tools.installation import ROOT, Installation, PreparationFailed
from tools.processes import DidNotStart, Family

MARK = "demonstration"  # a file that says: this folder is ours, and how far it has come
BEGUN, READY = "begun", "ready"


class CannotStart(Exception):
    """What stands in the way, and what the person can do about it."""


@dataclass(frozen=True)
class Wishes:
    """What the person asked for on the command line of make."""

    port: int
    bridge_port: int
    mail_port: int
    real_readers: bool
    fresh: bool
    self_service_mode: str = SELF_SERVICE_MODES[0]

    @classmethod
    def from_environment(cls) -> "Wishes":
        readers = os.environ.get("READERS", "virtual")
        if readers not in ("virtual", "pcsc"):
            raise CannotStart(f"READERS is virtual or pcsc, not {readers!r}.")
        mode = os.environ.get("SELF_SERVICE_MODE") or SELF_SERVICE_MODES[0]
        if mode not in SELF_SERVICE_MODES:
            raise CannotStart(
                f"SELF_SERVICE_MODE is one of {', '.join(SELF_SERVICE_MODES)}, not {mode!r}."
            )
        return cls(
            port=_port("DEMO_PORT", 5000),
            bridge_port=_port("BRIDGE_PORT", 27500),
            mail_port=_port("MAIL_PORT", 8025),
            real_readers=readers == "pcsc",
            fresh=os.environ.get("FRESH", "") not in ("", "0"),
            self_service_mode=mode,
        )


def _port(name: str, usual: int) -> int:
    text = os.environ.get(name, str(usual))
    if not text.isdecimal() or not 1024 <= int(text) <= 65_500:
        raise CannotStart(f"{name} is a number from 1024 to 65500, not {text!r}.")
    return int(text)


def check_ports(wishes: Wishes) -> None:
    """Refuse ports that somebody else uses, before anything is started."""
    for name, port in (("DEMO_PORT", wishes.port), ("MAIL_PORT", wishes.mail_port)):
        if not ports.is_free(port):
            raise CannotStart(
                f"Port {port} is in use by {ports.owner(port)}.\n"
                f"Choose another one: make demo {name}={_free_after(port)}"
            )
    first = wishes.bridge_port
    if not any(ports.is_free(port) for port in range(first, first + PORTS)):
        raise CannotStart(
            f"The reader bridge listens on one of the ports {first} to {first + PORTS - 1}, and "
            f"none is free: {first} is in use by {ports.owner(first)}.\n"
            f"Choose others: make demo BRIDGE_PORT={first + PORTS}"
        )


def _free_after(port: int) -> int:
    return next(each for each in range(port + 1, 65_536) if ports.is_free(each))


def installation_for(wishes: Wishes) -> Installation:
    real = wishes.real_readers
    if real and not importlib.util.find_spec("smartcard"):
        raise CannotStart("READERS=pcsc needs pyscard, which could not be built; see above.")
    return Installation(
        folder=Path(os.environ.get("DEMO_FOLDER", ROOT / "instance")),
        port=wishes.port,
        bridge_port=wishes.bridge_port,
        mail_port=wishes.mail_port,
        readers="both" if real else "virtual",
        workers=os.cpu_count() or 1,
        settings={"SELF_SERVICE_MODE": wishes.self_service_mode},
    )


def prepare(installation: Installation, family: Family) -> None:
    """Bring the installation to where people can sign in, and start its bridge."""
    mark = installation.folder / MARK
    if mark.read_text() == READY:
        installation.flask("db", "upgrade")
    else:
        say("Making keys, database and demonstration people …")
        installation.make_keys()
        installation.fill()
    installation.write_bridge_settings()
    installation.start_bridge(family)
    if mark.read_text() != READY:
        say("Issuing the demonstration's smartcards …")
        installation.issue_cards()
        mark.write_text(READY)


def is_ready(installation: Installation) -> bool:
    mark = installation.folder / MARK
    return mark.exists() and mark.read_text() == READY


def forget(installation: Installation) -> None:
    """Remove what an earlier demonstration left; never somebody's real data."""
    folder = installation.folder
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise CannotStart(
            f"{folder} holds something that the demonstration did not make.\n"
            "Move it away, or choose another folder: make demo DEMO_FOLDER=/tmp/demonstration"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).write_text(BEGUN)


def say(text: str) -> None:
    print(text, flush=True)


def run(wishes: Wishes) -> int:
    started = time.monotonic()
    check_ports(wishes)
    installation = installation_for(wishes)
    if wishes.fresh or not is_ready(installation):
        forget(installation)
    with Family(installation.logs) as family:
        prepare(installation, family)
        installation.start_mail_catcher(family)
        installation.start_server(family)
        installation.start_delivery(family)
        say(welcome(installation, time.monotonic() - started))
        ended = family.first_to_end()
        say(f"\nThe {ended.name} has ended, so everything ends. Its last words:")
        say(ended.last_words())
        return 1


def welcome(installation: Installation, seconds: float) -> str:
    """Say where to go, and what to type there."""
    origin, folder = installation.origin, _shortest(installation.folder)
    held = [card for card in PLAN if card.uuid is not None]
    width = max(len(card.name) for card in held)
    lines = [
        "",
        f"The Care Identity Service is running ({seconds:.0f} s).",
        "",
        f"  1. Open     {origin}/demo/card-desk   and put a card into a reader",
        f"  2. Sign in  {origin}/sign-in          with its passcode",
        f"  3. Mail     {origin}/demo/mail        is what the service has sent",
        "",
        *(f"  {card.name:<{width}}  {card.passcode:<8}  {card.shows}" for card in held),
        "",
        f"  What the programs say is in {folder}/logs.",
        "  Ctrl-C ends everything.",
        "",
    ]
    return "\n".join(lines)


def _shortest(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        sys.exit(run(Wishes.from_environment()))
    except (CannotStart, DidNotStart, PreparationFailed) as reason:
        say(str(reason))
        sys.exit(1)
    except KeyboardInterrupt:
        say("\nEverything has been ended. `make demo` goes on where you left it.")


if __name__ == "__main__":
    main()
