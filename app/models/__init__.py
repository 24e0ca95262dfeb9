"""The rows of the database, one file per aggregate."""

from app.models.audit_event import AuditEvent
from app.models.base import Base, UtcDateTime
from app.models.card import Card, CardKey, Certificate
from app.models.card_operation import CardOperation, CardOperationStep
from app.models.expiry_reminder import ExpiryReminder
from app.models.imported_management_key import ImportedManagementKey
from app.models.install_code import InstallCode, InstallCodeUse
from app.models.organisation import Assignment, Organisation, Position
from app.models.outbox import OutboxMessage
from app.models.person import Person, PersonPhoto
from app.models.rate_limit import RateLimit
from app.models.request import Request
from app.models.revocation_list import RevocationList
from app.models.self_service import OneTimeCode, SecurityAnswer, SelfService, SelfServiceDraft
from app.models.session import Session
from app.models.terms import TermsAcceptance, TermsVersion
from app.models.workstation import BridgeConnection, Workstation

__all__ = [
    "Assignment",
    "AuditEvent",
    "Base",
    "BridgeConnection",
    "Card",
    "CardKey",
    "CardOperation",
    "CardOperationStep",
    "Certificate",
    "ExpiryReminder",
    "ImportedManagementKey",
    "InstallCode",
    "InstallCodeUse",
    "OneTimeCode",
    "Organisation",
    "OutboxMessage",
    "Person",
    "PersonPhoto",
    "Position",
    "RateLimit",
    "Request",
    "RevocationList",
    "SecurityAnswer",
    "SelfService",
    "SelfServiceDraft",
    "Session",
    "TermsAcceptance",
    "TermsVersion",
    "UtcDateTime",
    "Workstation",
]
