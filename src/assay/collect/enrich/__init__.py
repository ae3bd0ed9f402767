"""What is made of an event beyond what its sender wrote; each file one matter."""
