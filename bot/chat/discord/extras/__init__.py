"""What Discord has and other platforms have not, or otherwise: rooms of their own, a calendar."""
