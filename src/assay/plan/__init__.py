"""The measurement plan as code: what a conversion is, which numbers are KPIs, and what they are for."""
