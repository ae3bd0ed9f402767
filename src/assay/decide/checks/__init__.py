"""One check a file: a small function that returns a finding or nothing."""
