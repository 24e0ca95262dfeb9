"""Invented people, organisations and cards, for demonstrations, training and tests.

Nobody here exists. Names, telephone numbers (Ofcom's numbers for drama) and National Insurance
numbers (prefix QQ, never given out) belong to no one.
"""

from app.services.demonstration.cards import PLAN, PlannedCard, PlannedState
from app.services.demonstration.seed import NotADemonstration, Seeded, seed

__all__ = ["PLAN", "NotADemonstration", "PlannedCard", "PlannedState", "Seeded", "seed"]
