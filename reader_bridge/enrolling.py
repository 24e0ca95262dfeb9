"""Enrolling this PC with an install code: the bridge itself takes the code to the server.

First it asks the server for a challenge, then it sends challenge and code under the signature of
the workstation's key. No page takes part: what runs in a page never learns the code.
"""

import http.client
import json
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any, TextIO
from urllib.parse import urlsplit

from reader_bridge import contract
from reader_bridge.settings import SettingsError
from reader_bridge.workstation import Workstation

PATH = "/bridge/enrolment"
LARGEST = 64 * 1024
PATIENCE = 10.0
ENROLLED, REFUSED = 0, 1

SENTENCES = {
    "enrolment-refused": (
        "The code was not accepted. It may be mistyped, older than a day, used up or withdrawn.\n"
        "Ask the RA Manager who gave it to you for a new one."
    ),
    "workstation-blocked": (
        "This PC is blocked. Ask the RA Manager to unblock it on the Workstations page, and to "
        "give you a new code."
    ),
    "rate-limited": "Too many codes were tried from this network. Wait a quarter of an hour.",
}
OTHERWISE = "The service refused: {}. Nothing was changed."


class _SameAddress(urllib.request.HTTPRedirectHandler):
    """A code goes to the service of the settings, and to no other that it may point to."""

    def redirect_request(self, *_: Any) -> None:
        return None


def checked_address(url: str) -> str:
    """Return the address of a service, if what is sent there is protected on its way.

    Raises:
        SettingsError: it is not one, or only a network's good will protects it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{url!r} is not the address of a service")
    if parts.scheme == "http" and parts.hostname not in (contract.HOST, "localhost"):
        raise SettingsError(f"{url} is not protected: use its https address")
    return url.rstrip("/")


def enrol(origin: str, code: str, own: Workstation, words: TextIO) -> int:
    """Bring an install code to the service at ``origin``, and say what came of it.

    Returns:
        The exit status: 0 when this PC is enrolled, 1 when the service said no.

    Raises:
        SettingsError: the service does not answer, or not as it should.
    """
    origin = checked_address(origin)
    opener = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(CookieJar()), _SameAddress
    )
    status, asked = _exchange(opener, urllib.request.Request(origin + PATH))  # noqa: S310 - checked
    challenge = asked.get("challenge")
    if status != 200 or not isinstance(challenge, str):
        raise SettingsError(f"{origin} does not take install codes ({status})")
    signed = own.enrolment(origin=origin, nonce=challenge, code=code)
    request = urllib.request.Request(  # noqa: S310 - checked above
        origin + PATH,
        data=json.dumps({"enrolment": signed}).encode(),
        headers={
            "Content-Type": "application/json",
            "Referer": f"{origin}/",
            "X-CSRFToken": challenge,
        },
    )
    status, answer = _exchange(opener, request)
    if status == 200 and answer.get("enrolled") is True:
        words.write(f"This PC is enrolled at {origin} as {answer.get('name')}.\n")
        words.write(f"Its thumbprint: {own.thumbprint}\n")
        return ENROLLED
    reason = str(answer.get("error"))
    words.write(SENTENCES.get(reason, OTHERWISE.format(reason)) + "\n")
    return REFUSED


def _exchange(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request
) -> tuple[int, dict[str, Any]]:
    """Send a request, and return the status and the JSON of its answer, whatever it is."""
    request.add_header("Accept", "application/json")
    try:
        try:
            with opener.open(request, timeout=PATIENCE) as response:
                status, text = response.status, response.read(LARGEST)
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, text = refusal.code, refusal.read(LARGEST)
        answer = json.loads(text)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SettingsError(f"{request.full_url} does not answer as it should: {error}") from error
    if not isinstance(answer, dict):
        raise SettingsError(f"{request.full_url} does not answer as it should")
    return status, answer
