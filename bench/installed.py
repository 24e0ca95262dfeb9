"""Installations to measure: on free ports, in a folder that is thrown away."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.service import Service, installation_in, running_service
from tools.installation import Installation


def bare_installation(folder: Path) -> Installation:
    """Return an installation with keys and settings, and with nothing in it."""
    installation = installation_in(folder / "instance")
    installation.make_keys()
    installation.write_bridge_settings()
    return installation


@contextmanager
def whole_service() -> Iterator[Service]:
    """Run the service with the demonstration's people and cards."""
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "prepared"
        with running_service(Path(folder) / "instance", shared) as service:
            yield service
