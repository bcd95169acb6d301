"""clipbench: which grouping of analyzers, under which executor, keeps the promise?

In a checkout, the folders of this package are links to those at the top.
"""

from __future__ import annotations

__version__ = "0.2.0.dev0"
