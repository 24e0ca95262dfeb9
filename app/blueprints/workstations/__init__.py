"""The PCs with a reader bridge, for an RA manager."""
