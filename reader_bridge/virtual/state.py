"""What a virtual card keeps without power: secrets, counters, keys and objects, in one JSON file.

The file is replaced as a whole after each change and is readable by its owner only. It holds
private keys and passcodes in the clear: a virtual card is for demonstration, training and tests.
"""

import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reader_bridge.piv import objects
from reader_bridge.piv.errors import MalformedAnswer
from reader_bridge.piv.pin import PIN_LENGTH
from reader_bridge.virtual.behaviour import BEHAVIOURS, Behaviour

FORMAT = 1


@dataclass(repr=False)
class Secret:
    """A passcode or PUK as the card stores it: padded, with its attempts."""

    value: bytes
    tries: int
    left: int

    @classmethod
    def fresh(cls, text: str, tries: int) -> "Secret":
        return cls(text.encode("ascii").ljust(PIN_LENGTH, b"\xff"), tries, tries)


@dataclass(repr=False)
class StoredKey:
    """A private key (DER PKCS#8) with its algorithm number and policies."""

    algorithm: int
    private: bytes
    generated: bool = True
    pin_policy: int = 0  # 0: the slot's own
    touch_policy: int = 0


@dataclass(repr=False)
class CardState:
    """Everything that outlives a power cut. ``save`` after each change."""

    label: str
    serial: int | None
    behaviour: Behaviour
    passcode: Secret
    puk: Secret
    management_algorithm: str
    management_key: bytes
    objects: dict[int, bytes] = field(default_factory=dict)
    keys: dict[str, list[StoredKey]] = field(default_factory=dict)
    path: Path | None = None

    @classmethod
    def blank(
        cls,
        behaviour: Behaviour,
        *,
        label: str = "Virtual card",
        serial: int | None = None,
        path: Path | None = None,
    ) -> "CardState":
        """A card as it leaves its factory."""
        state = cls(
            label=label,
            serial=serial if behaviour.has_serial else None,
            behaviour=behaviour,
            passcode=Secret.fresh(behaviour.factory_passcode, behaviour.passcode_tries),
            puk=Secret.fresh(behaviour.factory_puk, behaviour.puk_tries),
            management_algorithm=behaviour.management_algorithm,
            management_key=behaviour.factory_management_key,
            path=path,
        )
        if behaviour.leaves_factory_with_chuid:
            state.objects[objects.CHUID] = objects.Chuid(secrets.token_bytes(16)).encode()
            state.objects[objects.CCC] = objects.encode_capabilities()
        return state

    @classmethod
    def load(cls, path: Path) -> "CardState":
        """Read a card's file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not a card.
        """
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise ValueError(f"{path} is not a virtual card")
        try:
            return cls(
                label=str(stored["label"]),
                serial=stored["serial"],
                behaviour=Behaviour.from_settings(stored["behaviour"]),
                passcode=_secret(stored["passcode"]),
                puk=_secret(stored["puk"]),
                management_algorithm=stored["management"]["algorithm"],
                management_key=bytes.fromhex(stored["management"]["key"]),
                objects={int(t, 16): bytes.fromhex(o) for t, o in stored["objects"].items()},
                keys={slot: [_key(key) for key in held] for slot, held in stored["keys"].items()},
                path=Path(path),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a virtual card") from error

    def save(self) -> None:
        """Replace the card's file; without a path the card lives in memory only."""
        if self.path is None:
            return
        text = json.dumps(self._stored())  # indented it would take five times as long
        # mkstemp makes files that only their owner can read
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def restore_factory_state(self) -> None:
        """Forget everything but label and serial, as the reset command does."""
        fresh = CardState.blank(self.behaviour)
        for name in ("passcode", "puk", "management_algorithm", "management_key"):
            setattr(self, name, getattr(fresh, name))
        self.objects, self.keys = fresh.objects, fresh.keys

    @property
    def guid(self) -> bytes | None:
        """The GUID in the card's CHUID; None on a blank card."""
        content = self.objects.get(objects.CHUID)
        if not content:
            return None
        try:
            return objects.Chuid.decode(content).guid
        except MalformedAnswer:
            return None

    def lock_passcode(self) -> None:
        """Leave no attempts, as after as many wrong ones (for a desk of demonstration cards)."""
        self.passcode.left = 0
        self.save()

    def _stored(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "label": self.label,
            "serial": self.serial,
            "behaviour": self.behaviour.as_settings(),
            "passcode": _secret_stored(self.passcode),
            "puk": _secret_stored(self.puk),
            "management": {
                "algorithm": self.management_algorithm,
                "key": self.management_key.hex(),
            },
            "objects": {f"{tag:x}": content.hex() for tag, content in self.objects.items()},
            "keys": {slot: [_key_stored(k) for k in held] for slot, held in self.keys.items()},
        }


def new_card(
    path: Path | None,
    *,
    behaviour: str | Behaviour = "default",
    label: str = "Virtual card",
    serial: int | None = None,
) -> CardState:
    """Make a card as it leaves the factory, and its file. Without a serial it gets a random one."""
    chosen = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour
    number = secrets.randbelow(2**31) if serial is None else serial
    state = CardState.blank(chosen, label=label, serial=number, path=path)
    state.save()
    return state


def _secret(stored: dict[str, Any]) -> Secret:
    return Secret(bytes.fromhex(stored["value"]), stored["tries"], stored["left"])


def _secret_stored(secret: Secret) -> dict[str, Any]:
    return {"value": secret.value.hex(), "tries": secret.tries, "left": secret.left}


def _key(stored: dict[str, Any]) -> StoredKey:
    return StoredKey(**{**stored, "private": bytes.fromhex(stored["private"])})


def _key_stored(key: StoredKey) -> dict[str, Any]:
    return {**vars(key), "private": key.private.hex()}
