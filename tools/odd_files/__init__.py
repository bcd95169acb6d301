"""Clip files with unusual containers, times, tracks, colours and damage, each with what is right for it.

    python -m tools.odd_files FOLDER [NAME …]

PyAV writes them all. Frame n says its number by its grey level, and beeps stand at half past every second, so
that a wrong time of either shows.
"""

from tools.odd_files import colours, containers, damage, interlaced, shapes, sounds, times, tracks
from tools.odd_files.declaration import ODD_FILES, OddFile, Refused, Shown
from tools.odd_files.seen import Seen, differences
from tools.odd_files.writing import Workshop

#: The modules that declare files.
DECLARING = (times, sounds, tracks, containers, shapes, colours, interlaced, damage)

__all__ = ["DECLARING", "ODD_FILES", "OddFile", "Refused", "Seen", "Shown", "Workshop", "differences"]
