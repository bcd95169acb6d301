"""Writes the odd files into a folder: python -m tools.odd_files FOLDER [NAME …]"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.odd_files import ODD_FILES, Workshop


def main() -> None:
    """Write all of them, or those named."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(ODD_FILES)
    if unknown := [name for name in names if name not in ODD_FILES]:
        sys.exit(f"there is no odd file {unknown[0]!r}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as parts:
        for name in names:
            ODD_FILES[name].write(folder / name, Workshop(Path(parts)))


if __name__ == "__main__":
    main()
