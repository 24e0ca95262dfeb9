"""Invented people, organisations and cards, for demonstrations, training and tests.

Nobody here exists. Names, telephone numbers (Ofcom's numbers for drama) and National Insurance
numbers (prefix QQ, never given out) belong to no one.
"""

from app.services.demonstration.cards import PLAN, PlannedCard, PlannedState
from app.services.demonstration.registrations import ANSWERS, REGISTRATIONS, registration_of
from app.services.demonstration.seed import NotADemonstration, Seeded, seed

__all__ = [
    "ANSWERS",
    "PLAN",
    "REGISTRATIONS",
    "NotADemonstration",
    "PlannedCard",
    "PlannedState",
    "Seeded",
    "registration_of",
    "seed",
]
