"""python compare.py RUN RUN …: the command `clipbench-compare`, from a checkout."""

from __future__ import annotations

from clipbench.commands.entry import compare

if __name__ == "__main__":
    compare()
