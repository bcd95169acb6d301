"""python run.py grouping=optimized: the command `clipbench`, from a checkout."""

from __future__ import annotations

import sys

from clipbench.commands.run import main

if __name__ == "__main__":
    sys.exit(main())
