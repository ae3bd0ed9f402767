"""The only SQL that reads events: derivations, relations, filters, moments, sequences. One dialect, rendered to each engine."""
