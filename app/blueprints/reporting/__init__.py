"""A holder reports their card lost, stolen, damaged, or used by someone else."""
