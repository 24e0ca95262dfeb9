"""Somebody who is signed in, without a database."""

from datetime import timedelta
from typing import Any

from app.domain.principal import Principal
from app.domain.roles import Role
from tests.parts.clock import START


def principal_in(role: Role | None = None, **facts: Any) -> Principal:
    return Principal(
        **{
            "session_id": 1,
            "person_id": 1,
            "uuid": "500200300101",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "title": "Dr",
            "role": role,
            "organisation_id": 1,
            "organisation_code": "RZ9",
            "organisation_name": "Test Hospital",
            "assignment_id": 1,
            "position_name": "Tester",
            "card_id": 1,
            "card_guid": "ab" * 16,
            "seat": "seat-1",
            "bridge_instance": "bridge-1",
            "workstation_id": None,
            "signed_in_at": START,
            "idle_ends_at": START + timedelta(minutes=15),
            "total_ends_at": START + timedelta(hours=12),
            "presence_ends_at": START + timedelta(seconds=150),
            **facts,
        }
    )
