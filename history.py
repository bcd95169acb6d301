"""python history.py list: the command `clipbench-history`, from a checkout."""

from __future__ import annotations

from clipbench.commands.entry import history

if __name__ == "__main__":
    history()
