"""The choice model's solver."""
