"""Finding people, one person's page, and their self-service, for agents of the registration
authority.
"""

from app.blueprints.people import self_service
from app.blueprints.people.routes import bp

__all__ = ["bp", "self_service"]
