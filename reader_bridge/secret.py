"""Texts that must not be shown: passcodes and PUKs on their way from the page to the card."""


class Secret:
    """A passcode or PUK. It cannot be printed, and is overwritten when it is no longer needed.

    Python may keep copies of a text that passed through it; what can be done is done here: one
    place to hold it, wiped by ``wipe``, and no way into a log or a traceback by accident.
    """

    __slots__ = ("_letters",)

    def __init__(self, text: str) -> None:
        self._letters = bytearray(text.encode("utf-8"))

    def reveal(self) -> str:
        """The text itself, for the card and for nothing else."""
        return self._letters.decode("utf-8")

    def wipe(self) -> None:
        """Overwrite it. It is empty from then on."""
        for index in range(len(self._letters)):
            self._letters[index] = 0
        self._letters = bytearray()

    def __bool__(self) -> bool:
        return bool(self._letters)

    def __repr__(self) -> str:
        """Nothing of it, not even its length."""
        return "<Secret>"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not stored")


def newer(typed: Secret | None, held: Secret | None) -> Secret | None:
    """Return what was typed now, or else what is held. What it takes the place of is wiped."""
    if not typed:
        return held
    if held is not None and held is not typed:
        held.wipe()
    return typed
