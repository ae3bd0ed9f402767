"""``python -m assay.web``: the process that ``assay serve`` watches."""

import sys

from assay.web.process import main

sys.exit(main(sys.argv[1:]))
