"""Numbers in, estimates out. Own code; each function names its formula and source."""
