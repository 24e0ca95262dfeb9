"""Manage Smartcard: what an agent does with a user's card in the second reader."""

from app.blueprints.manage_smartcard import (
    approving,
    cancelling,
    issuing,
    lost,
    present,
    repairing,
    services,
)
from app.blueprints.manage_smartcard.blueprint import bp

__all__ = ["approving", "bp", "cancelling", "issuing", "lost", "present", "repairing", "services"]
