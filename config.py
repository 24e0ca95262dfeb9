"""Settings: Development, Testing and Production, chosen by the environment's CIS_CONFIG.

Every secret is read from the variable of its name, or from the file that NAME_FILE names.
Production refuses to start without its secrets and says which are missing.
"""

import base64
import json
import os
import secrets
import ssl
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from email_validator import EmailNotValidError, validate_email
from flask_mail import sanitize_address

from reader_bridge.contract import FIRST_PORT

ROOT = Path(__file__).resolve().parent

SECRETS = ("SECRET_KEY", "VAULT_KEY", "TICKET_KEY", "AUDIT_KEY", "ISSUER_PASSPHRASE")
OPTIONAL_SECRETS = ("VAULT_KEY_OLD", "MAIL_PASSWORD", "PKCS11_PIN")
ISSUERS = ("file", "pkcs11")  # where the keys of the issuing authorities are
SELF_SERVICE_MODES = ("questions-and-code", "code", "off")
QUESTIONS_ASKED = (2, 3, 4)

# The parts of app.domain.session_rules.SessionLimits that SESSION_..._SECONDS sets
SESSION_LIMITS = ("idle", "idle_warning", "total", "presence", "busy", "operation")

# Nobody's numbers: Ofcom keeps 0113 496 0000 to 0999 for drama.
INVENTED_CONTACTS = {
    "team": "Northmere RA Team",
    "email": "ra-team@northmere.nhs.uk",
    "desks": [
        {"organisation": "Northmere University Hospital", "telephone": "01134960700"},
        {"organisation": "Northmere Community Clinics", "telephone": "01134960710"},
        {"organisation": "Northmere Mental Health Trust", "telephone": "01134960720"},
        {"organisation": "Northmere Ambulance Service", "telephone": "01134960730"},
        {"organisation": "Northmere GP Out of Hours", "telephone": "01134960740"},
    ],
}
CONTACTS_EXAMPLE = (
    '{"team": "Northmere RA Team", "email": "ra@northmere.nhs.uk", "desks": '
    '[{"organisation": "Northmere Hospital", "telephone": "0113 496 0700"}]}'
)


class ConfigurationError(Exception):
    """The settings do not let the service start. The message says what to change."""


def secret(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the secret ``name`` from the environment or from the file NAME_FILE.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    if name in environ:
        return environ[name]
    path = environ.get(f"{name}_FILE")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE: {path}: {error.strerror}") from error


def flag(name: str, environ: Mapping[str, str], *, default: bool = False) -> bool:
    """Return a setting that is on or off.

    Raises:
        ConfigurationError: it is neither.
    """
    value = environ.get(name, "on" if default else "off").strip().lower()
    if value in {"1", "on", "true", "yes"}:
        return True
    if value in {"", "0", "off", "false", "no"}:
        return False
    raise ConfigurationError(f"{name} is on or off, not {value!r}")


def number(name: str, environ: Mapping[str, str], default: int) -> int:
    """Return a setting that is a whole number.

    Raises:
        ConfigurationError: it is not.
    """
    value = environ.get(name, "")
    try:
        return int(value) if value.strip() else default
    except ValueError:
        raise ConfigurationError(f"{name} is a whole number, not {value!r}") from None


def is_domain(text: str) -> bool:
    """Say whether mail can be addressed to this domain."""
    try:
        return bool(validate_email(f"somebody@{text}", check_deliverability=False))
    except EmailNotValidError:
        return False


class Config:
    """What the three have in common. Keywords override what the environment says."""

    NAME: ClassVar[str]
    SECRET_KEY: str | None
    VAULT_KEY: str | None
    VAULT_KEY_OLD: str | None
    TICKET_KEY: str | None
    AUDIT_KEY: str | None
    ISSUER_PASSPHRASE: str | None
    MAIL_PASSWORD: str | None
    PKCS11_PIN: str | None
    DEBUG = False
    TESTING = False

    SERVICE_NAME = "Care Identity Service"

    SESSION_COOKIE_NAME = "cis"
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    WTF_CSRF_TIME_LIMIT = None  # the token lives as long as the session that it belongs to
    MAX_CONTENT_LENGTH = 1024 * 1024  # bytes; a route that takes more says so itself
    MAX_FORM_MEMORY_SIZE = 256 * 1024
    MAX_FORM_PARTS = 200
    SEND_FILE_MAX_AGE_DEFAULT = timedelta(0)

    def __init__(self, environ: Mapping[str, str] | None = None, **overrides: Any) -> None:
        environ = os.environ if environ is None else environ
        for name in SECRETS + OPTIONAL_SECRETS:
            setattr(self, name, secret(name, environ))
        self.ORIGIN = environ.get("ORIGIN", "http://127.0.0.1:5000").rstrip("/")
        # Where certificates say to ask about them. Without TLS is right: all of it is signed
        self.PKI_ORIGIN = environ.get("PKI_ORIGIN", "").rstrip("/") or None
        self.ISSUER = environ.get("ISSUER", "file").strip().lower()
        self.PKCS11_MODULE = environ.get("PKCS11_MODULE")
        self.PKCS11_TOKEN = environ.get("PKCS11_TOKEN")
        self.SMARTCARD_LOGON = flag("SMARTCARD_LOGON", environ)
        self.BRIDGE_PORT = number("BRIDGE_PORT", environ, FIRST_PORT)
        self.DEMONSTRATION = flag("DEMONSTRATION", environ)
        self.ALLOW_VIRTUAL_CARDS = flag("ALLOW_VIRTUAL_CARDS", environ, default=self.DEMONSTRATION)
        self.PROXIES = number("PROXIES", environ, 0)  # how many proxies stand in front of us
        self.INSTANCE = Path(environ.get("INSTANCE", ROOT / "instance"))
        self.PKI_FOLDER = environ.get("PKI_FOLDER")
        self.SQLALCHEMY_DATABASE_URI = environ.get(
            "DATABASE_URL", f"sqlite:///{self.INSTANCE / 'cis.db'}"
        )
        # An error's text must never carry the values of a statement. A connection that the
        # database has closed meanwhile is replaced before it is used.
        self.SQLALCHEMY_ENGINE_OPTIONS: dict[str, Any] = {
            "hide_parameters": True,
            "pool_pre_ping": True,
        }
        self.SESSION_SECONDS = self._session_seconds(environ)
        self.CONTACTS = self._contacts(environ)
        self.MAIL_SERVER = environ.get("MAIL_SERVER", "127.0.0.1")
        self.MAIL_PORT = number("MAIL_PORT", environ, 25)
        self.MAIL_USE_TLS = flag("MAIL_USE_TLS", environ)
        self.MAIL_USE_SSL = flag("MAIL_USE_SSL", environ)
        self.MAIL_USERNAME = environ.get("MAIL_USERNAME")
        self.MAIL_TIMEOUT: float = number("MAIL_TIMEOUT", environ, 20)  # seconds, for one answer
        self.MAIL_CA_FILE = environ.get("MAIL_CA_FILE") or None
        self.MAIL_DEFAULT_SENDER = environ.get(
            "MAIL_SENDER", "Care Identity Service <no-reply@care-identity.invalid>"
        )
        self.SELF_SERVICE_MODE = (
            environ.get("SELF_SERVICE_MODE", "").strip().lower() or SELF_SERVICE_MODES[0]
        )
        self.APPROVED_MAIL_DOMAINS = tuple(
            environ.get("APPROVED_MAIL_DOMAINS", "").replace(",", " ").split()
        ) or ("nhs.net", "nhs.uk", "gov.uk", "mod.uk")
        self.SECURITY_QUESTIONS_ASKED = number("SECURITY_QUESTIONS_ASKED", environ, 3)
        self.INSTALL_CODE_HOURS = number("INSTALL_CODE_HOURS", environ, 24)
        self.LOG_LEVEL = environ.get("LOG_LEVEL", "INFO").upper()
        for name, value in overrides.items():
            setattr(self, name, value)
        self.PREFERRED_URL_SCHEME = urlsplit(self.ORIGIN).scheme
        self.SESSION_COOKIE_SECURE = self.ORIGIN.startswith("https:")
        if self.SESSION_COOKIE_SECURE:
            self.SESSION_COOKIE_NAME = "__Host-cis"
        self.check()

    def _session_seconds(self, environ: Mapping[str, str]) -> dict[str, int]:
        """Return the limits of sessions that are not the usual ones, in seconds."""
        variables = {limit: f"SESSION_{limit.upper()}_SECONDS" for limit in SESSION_LIMITS}
        set_here = {
            limit: number(name, environ, 0)
            for limit, name in variables.items()
            if environ.get(name, "").strip()
        }
        for limit, seconds in set_here.items():
            if seconds < 1:
                raise ConfigurationError(f"{variables[limit]} is at least 1, not {seconds}")
        return set_here

    def _contacts(self, environ: Mapping[str, str]) -> dict[str, Any] | None:
        text = secret("CONTACTS", environ)
        if text is None:
            return self._without_contacts()
        try:
            contacts: dict[str, Any] = json.loads(text)
            well_formed = bool(contacts["team"]) and all(
                desk["organisation"] and desk["telephone"] for desk in contacts["desks"]
            )
            for place in (contacts, *contacts["desks"]):
                if place is contacts or "email" in place:
                    validate_email(place["email"], check_deliverability=False, allow_smtputf8=False)
        except (ValueError, KeyError, TypeError, AttributeError):
            well_formed = False
        if not well_formed:
            raise ConfigurationError(f"CONTACTS is JSON like {CONTACTS_EXAMPLE}")
        return contacts

    def _without_contacts(self) -> dict[str, Any] | None:
        """Whom people call where nobody has said it."""
        return INVENTED_CONTACTS

    def check(self) -> None:
        """Refuse settings that no part of the service could work with.

        Raises:
            ConfigurationError: and says which, all at once.
        """
        for name in ("ORIGIN", "PKI_ORIGIN"):
            value = getattr(self, name)
            origin = urlsplit(value or "")
            well_formed = origin.scheme in {"http", "https"} and origin.netloc and not origin.path
            if value is not None and not well_formed:
                raise ConfigurationError(
                    f"{name} is scheme, host and port of this service, not {value!r}"
                )
        self._check_issuer()
        self._check_self_service()
        self._check_mail()

    def _check_self_service(self) -> None:
        if self.SELF_SERVICE_MODE not in SELF_SERVICE_MODES:
            raise ConfigurationError(
                f"SELF_SERVICE_MODE is one of {', '.join(SELF_SERVICE_MODES)}, "
                f"not {self.SELF_SERVICE_MODE!r}"
            )
        if self.SECURITY_QUESTIONS_ASKED not in QUESTIONS_ASKED:
            raise ConfigurationError(
                f"SECURITY_QUESTIONS_ASKED is 2 to 4, not {self.SECURITY_QUESTIONS_ASKED}"
            )
        odd = [each for each in self.APPROVED_MAIL_DOMAINS if not is_domain(each)]
        if odd:
            raise ConfigurationError(
                "APPROVED_MAIL_DOMAINS are domains with spaces between them, as nhs.net nhs.uk; "
                f"not {', '.join(map(repr, odd))}"
            )

    def _check_mail(self) -> None:
        sender = self.MAIL_DEFAULT_SENDER
        try:
            well_formed = "@" in parseaddr(sanitize_address(sender))[1]
        except ValueError:
            well_formed = False
        if not well_formed:
            raise ConfigurationError(
                "MAIL_SENDER is an address, or a name and an address, as "
                f"Care Identity Service <cards@nhs.net>; not {sender!r}"
            )

        if self.MAIL_TIMEOUT <= 0:
            raise ConfigurationError(f"MAIL_TIMEOUT is at least 1, not {self.MAIL_TIMEOUT}")
        if self.MAIL_CA_FILE:
            try:
                ssl.create_default_context(cafile=self.MAIL_CA_FILE)
            except OSError as error:
                raise ConfigurationError(f"MAIL_CA_FILE: {self.MAIL_CA_FILE}: {error}") from error

    def _check_issuer(self) -> None:
        if self.ISSUER not in ISSUERS:
            raise ConfigurationError(f"ISSUER is one of {', '.join(ISSUERS)}, not {self.ISSUER!r}")
        needed = ("PKCS11_MODULE", "PKCS11_TOKEN", "PKCS11_PIN")
        missing = [name for name in needed if not getattr(self, name)]
        if self.ISSUER == "pkcs11" and missing:
            raise ConfigurationError(
                f"ISSUER=pkcs11 needs {', '.join(missing)}: the path of the token's module, "
                "the token's label, and its PIN (or a file that holds it, in PKCS11_PIN_FILE)"
            )


class Development(Config):
    """On a developer's PC."""

    NAME = "development"

    def __init__(self, environ: Mapping[str, str] | None = None, **overrides: Any) -> None:
        super().__init__(environ, **overrides)
        if not self.SECRET_KEY:
            self.SECRET_KEY = secrets.token_hex()  # sessions end with the process


class Testing(Config):
    """In tests: nothing from the environment, everything in a temporary folder, fresh keys."""

    NAME = "testing"
    TESTING = True
    _made: ClassVar[dict[str, str]] = {}

    def __init__(self, **overrides: Any) -> None:
        folder = Path(tempfile.gettempdir()) / f"cis-testing-{os.getpid()}"
        fresh = {"INSTANCE": str(folder), "PKI_FOLDER": str(folder / "pki"), **self._keys()}
        super().__init__(fresh, **overrides)

    @classmethod
    def _keys(cls) -> dict[str, str]:
        """Make the keys once for each process of the tests."""
        if not cls._made:
            ticket_key = Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            cls._made.update(
                SECRET_KEY=secrets.token_hex(),
                VAULT_KEY=base64.b64encode(secrets.token_bytes(32)).decode(),
                AUDIT_KEY=base64.b64encode(secrets.token_bytes(32)).decode(),
                TICKET_KEY=ticket_key.decode(),
                ISSUER_PASSPHRASE=secrets.token_urlsafe(),
            )
        return cls._made


class Production(Config):
    """For people. Says no before the first request rather than during one."""

    NAME = "production"

    def _without_contacts(self) -> dict[str, Any] | None:
        return INVENTED_CONTACTS if self.DEMONSTRATION else None

    def check(self) -> None:
        super().check()
        problems = [*self._secrets_missing(), *self._contacts_missing()]
        if problems:
            raise ConfigurationError("\n".join(problems))
        origin = urlsplit(self.ORIGIN)
        if origin.scheme != "https" and origin.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ConfigurationError(f"Production needs an https ORIGIN, not {self.ORIGIN!r}")
        self.TRUSTED_HOSTS = [origin.hostname]

    def _secrets_missing(self) -> list[str]:
        missing = [name for name in (*SECRETS, "PKI_FOLDER") if not getattr(self, name)]
        if not missing:
            return []
        return [
            f"Production does not start without {', '.join(missing)}: set each in the environment, "
            "or name a file in NAME_FILE. `flask --app wsgi keys create FOLDER` makes a fresh set "
            "and prints the settings."
        ]

    def _contacts_missing(self) -> list[str]:
        if self.CONTACTS:
            return []
        return [
            "Production does not start without CONTACTS: whom people call when they cannot sign "
            f"in. Set it in the environment, or name a file in CONTACTS_FILE: {CONTACTS_EXAMPLE}"
        ]


class BeforeTheKeys(Config):
    """For the one command that makes the secrets without which Production does not start."""

    NAME = "before-the-keys"


KINDS: dict[str, type[Config]] = {kind.NAME: kind for kind in (Development, Testing, Production)}


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Return the settings that CIS_CONFIG names; without it, Production: the safe one.

    Raises:
        ConfigurationError: there is no such set, or it does not let the service start.
    """
    environ = os.environ if environ is None else environ
    name = environ.get("CIS_CONFIG", "production").lower()
    if name not in KINDS:
        raise ConfigurationError(f"CIS_CONFIG is one of {', '.join(KINDS)}, not {name!r}")
    return Testing() if name == Testing.NAME else KINDS[name](environ)
