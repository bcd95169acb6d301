"""`python -m clipbench` is the command `clipbench`."""

from __future__ import annotations

import sys

from clipbench.commands.run import main

if __name__ == "__main__":
    sys.exit(main())
