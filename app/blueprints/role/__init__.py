"""Acting in another of one's positions, without signing out."""
