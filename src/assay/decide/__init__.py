"""Estimates → findings: rules, checks and words."""
