"""python compare.py RUN RUN …: the command `clipbench-compare`, from a checkout."""

from __future__ import annotations

import sys

from clipbench.commands.compare import main

if __name__ == "__main__":
    sys.exit(main())
