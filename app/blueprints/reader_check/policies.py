"""What a trust's IT tells its browsers, so that they let this service reach the reader bridge."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

CHROMIUM_POLICIES = ("LoopbackNetworkAllowedForUrls", "LocalNetworkAccessAllowedForUrls")
REGISTRY = {
    "chrome": r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome",
    "edge": r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Edge",
}


@dataclass(frozen=True)
class Policy:
    """One text to roll out. ``where`` is the name of the sentence that says where it goes."""

    id: str
    title: str
    where: str
    text: str


def policies(origin: str) -> list[Policy]:
    """Return the policies that let pages of ``origin`` reach 127.0.0.1, as each browser wants them.

    Chrome and Edge take the origin; Firefox takes the host without its port.
    """
    chromium = json.dumps({name: [origin] for name in CHROMIUM_POLICIES}, indent=2)
    host = urlsplit(origin).hostname or ""
    firefox = {"policies": {"LocalNetworkAccess": {"SkipDomains": [host]}}}
    return [
        Policy("policy-chrome", "Chrome on Windows", "registry", registry("chrome", origin)),
        Policy("policy-edge", "Edge on Windows", "registry", registry("edge", origin)),
        Policy("policy-chromium", "Chrome and Edge on macOS and Linux", "managed", chromium),
        Policy("policy-firefox", "Firefox", "firefox", json.dumps(firefox, indent=2)),
    ]


def registry(browser: str, origin: str) -> str:
    """Return a file for the registry editor."""
    lines = ["Windows Registry Editor Version 5.00"]
    for name in CHROMIUM_POLICIES:
        lines += ["", f"[{REGISTRY[browser]}\\{name}]", f'"1"="{origin}"']
    return "\n".join(lines)
