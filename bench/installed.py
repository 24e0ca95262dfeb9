"""Installations to measure: on free ports, in a folder that is thrown away."""

from pathlib import Path

from tests.parts.service import installation_in
from tools.installation import Installation


def bare_installation(folder: Path) -> Installation:
    """Return an installation with keys and settings, and with nothing in it."""
    installation = installation_in(folder / "instance")
    installation.make_keys()
    installation.write_bridge_settings()
    return installation
