"""`python -m clipbench` is the command `clipbench`."""

from __future__ import annotations

from clipbench.commands.entry import run

if __name__ == "__main__":
    run()
