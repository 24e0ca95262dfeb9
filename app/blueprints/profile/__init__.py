"""What a card holder sees of themselves, and may change."""
