"""The first run by hand: fetches the service's settings; a person says whether they are right."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from reader_bridge import settings
from reader_bridge.enrolling import checked_address
from reader_bridge.settings import Settings, SettingsError

PATH = "/bridge/configuration"
LARGEST = 64 * 1024
PATIENCE = 10.0


def install(url: str, file: Path, answers: TextIO, words: TextIO) -> int:
    """Fetch ``URL/bridge/configuration``, show the keys, and write the settings file on a yes.

    Returns:
        The exit status: 0 when the file was written, 1 when the person said no.

    Raises:
        SettingsError: the service does not answer, or not with its settings.
    """
    offered = fetch(url)
    words.write(f"The service at {url} calls itself\n")
    words.writelines(f"    {origin}\n" for origin in offered.origins)
    words.write("and signs its requests to cards with\n")
    words.writelines(f"    {settings.thumbprint(key)}\n" for key in offered.keys)
    words.write("Compare this with what the administrator of the service gave you.\n")
    words.write("Type yes when it is the same: ")
    words.flush()
    if answers.readline().strip().lower() != "yes":
        words.write("Nothing was written.\n")
        return 1
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(settings.as_toml(offered), "utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error}") from error
    words.write(f"Written: {file}\n")
    return 0


def fetch(url: str) -> Settings:
    """Ask a service for its origin and its keys.

    Raises:
        SettingsError: no answer, or not one with an origin and keys, or another's origin.
    """
    where = checked_address(url) + PATH
    try:
        with urllib.request.urlopen(where, timeout=PATIENCE) as response:  # noqa: S310 - see above
            answer: Any = json.loads(response.read(LARGEST))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise SettingsError(f"{where} does not answer as it should: {error}") from error
    if not isinstance(answer, dict):
        raise SettingsError(f"{where} does not answer as it should")
    values = {"origins": [answer.get("origin")], "keys": answer.get("keys")}
    if "first_port" in answer:
        values["first_port"] = answer["first_port"]
    offered = settings.from_values(values)
    parts = urlsplit(url)
    own = f"{parts.scheme}://{parts.netloc}"
    if offered.origins != (own,):
        raise SettingsError(f"{own} answers with the settings of {offered.origins[0]}")
    return offered
