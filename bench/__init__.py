"""What the project promises of speed, measured: ``make bench``."""
