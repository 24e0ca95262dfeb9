"""Whom an agent reaches, for services and pages: see ``app.scope``."""

from app.scope import belongs, card, organisations, person, reaches, working_in

__all__ = ["belongs", "card", "organisations", "person", "reaches", "working_in"]
