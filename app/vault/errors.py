"""Why the vault does not open something."""


class VaultError(Exception):
    """The family of the vault's errors. Never raised itself; never says what was inside."""


class CannotOpen(VaultError):
    """Altered, sealed for another row, or under a key that this vault does not have."""


class BadKey(VaultError):
    """A key is not 32 bytes in base64."""
