"""Registering for self-service from one's own profile, and changing or ending that."""

from app.blueprints.self_service import card, routes
from app.blueprints.self_service.blueprint import bp

__all__ = ["bp", "card", "routes"]
