"""Who is acting: the person, the card and the role of one session, read once per request."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.errors import NotAllowed
from app.domain.roles import Permission, Role, permissions_of


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The person signed in, read once per request.

    ``seat`` and ``bridge_instance`` name the insertion of the card; ``idle_ends_at``,
    ``total_ends_at`` and ``presence_ends_at`` say when the session ends by itself.
    """

    session_id: int
    person_id: int
    uuid: str
    given_name: str
    family_name: str
    title: str
    role: Role | None
    organisation_id: int | None
    organisation_code: str | None
    organisation_name: str | None
    assignment_id: int | None
    position_name: str | None
    card_id: int
    card_guid: str
    seat: str
    bridge_instance: str
    workstation_id: int | None
    signed_in_at: datetime
    idle_ends_at: datetime
    total_ends_at: datetime
    presence_ends_at: datetime

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def ends_at(self) -> datetime:
        return min(self.idle_ends_at, self.total_ends_at)

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.role)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def demand(self, permission: Permission) -> None:
        """Raise NotAllowed unless the role permits it."""
        if not self.may(permission):
            raise NotAllowed(permission)
