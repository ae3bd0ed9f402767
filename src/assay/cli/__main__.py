"""``python -m assay.cli``."""

from __future__ import annotations

from assay.cli.run import main

main()
