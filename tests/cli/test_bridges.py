"""What commands are told of a reader bridge that is not there, or goes."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from app.card_operations.office import Office
from app.cli.bridges import introduced
from reader_bridge.contract import Say
from tests.parts.bridge import ORIGIN, RunningBridge, bridge_settings, running_bridge
from tests.parts.ports import free_port


@pytest.fixture
def bridge(app: Flask, tmp_path: Path) -> Iterator[RunningBridge]:
    app.config["ORIGIN"] = ORIGIN
    keys = Office(app.config).tickets.public
    with running_bridge(bridge_settings(tmp_path, *keys)) as bridge:
        yield bridge


def cut_off(bridge: RunningBridge) -> None:
    with introduced(bridge.port) as (page, _):
        bridge.stop()
        page.ask(Say.CANCEL)


@pytest.mark.usefixtures("db_session")
def test_a_bridge_that_goes_while_a_card_is_at_work_is_said_so(bridge: RunningBridge) -> None:
    with pytest.raises(click.ClickException, match=r"the bridge has gone.*run this again"):
        cut_off(bridge)


@pytest.mark.usefixtures("db_session")
def test_no_bridge_at_all_is_said_so() -> None:
    nowhere = introduced(free_port())
    with pytest.raises(click.ClickException, match="no reader bridge lets this service in"):
        nowhere.__enter__()
