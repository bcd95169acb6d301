"""python run.py grouping=optimized: the command `clipbench`, from a checkout."""

from __future__ import annotations

from clipbench.commands.entry import run

if __name__ == "__main__":
    run()
