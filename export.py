"""python export.py FOLDER --to csv: the command `clipbench-export`, from a checkout."""

from __future__ import annotations

from clipbench.commands.entry import export

if __name__ == "__main__":
    export()
