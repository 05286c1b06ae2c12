"""Small runs that are disturbed: killed, told to end, out of room, or with files changed between."""
