"""Signing in, staying signed in, and every way in which a session ends."""

from app.domain.principal import Principal

__all__ = ["Principal"]
