"""Frozen values that every other part speaks in. No input, no output, nothing above imported."""
