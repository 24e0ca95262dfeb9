"""Reader check: what keeps this PC from reading a card, and what to do about it."""
