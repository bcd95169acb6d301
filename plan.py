"""python plan.py costs: the command `clipbench-plan`, from a checkout."""

from __future__ import annotations

from clipbench.commands.entry import plan

if __name__ == "__main__":
    plan()
