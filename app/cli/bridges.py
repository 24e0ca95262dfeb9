"""What commands need of a reader bridge: finding it, and being introduced to the service."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
from flask import current_app

from app import clock
from app.cli.bridge_page import BridgePage, BridgeUnreachable, bridge_page
from app.services import reader_bridges
from app.services.reader_bridges import Met
from reader_bridge.contract import HOST, PORTS


class BridgeAddress(click.ParamType[int]):
    """``127.0.0.1:27500``, or the port alone."""

    name = "address"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        host, _, port = str(value).rpartition(":")
        if host not in ("", HOST) or not port.isdigit():
            self.fail(f"a bridge is at {HOST}:PORT, not at {value}", parameter, context)
        return int(port)


@contextmanager
def introduced(port: int | None) -> Iterator[tuple[BridgePage, Met]]:
    """Hold a connection to the bridge of this machine, which the service has met.

    ``port`` None looks through the ports on which bridges listen.

    Raises:
        click.ClickException: there is no bridge, it does not trust this service, or it has gone
            while the card was at work.
    """
    first = current_app.config["BRIDGE_PORT"]
    ports = [port] if port else range(first, first + PORTS)
    problem = "no ports"
    with ExitStack() as connection:
        for candidate in ports:
            try:
                page = connection.enter_context(
                    bridge_page(candidate, current_app.config["ORIGIN"])
                )
            except BridgeUnreachable as error:
                problem = str(error)
                continue
            try:
                yield page, _introduce(page)
            except BridgeUnreachable as error:
                raise click.ClickException(f"{error}; run this again: it goes on") from error
            return
    raise click.ClickException(f"no reader bridge lets this service in ({problem})")


def _introduce(page: BridgePage) -> Met:
    return reader_bridges.meet(
        page.hello,
        origin=current_app.config["ORIGIN"],
        browser=page.browser,
        address=None,
        now=clock.now(),
    )
