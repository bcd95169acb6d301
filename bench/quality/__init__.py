"""Quality: how well each analyzer's segments agree with the clip's ground truth.

Each figure is declared with `@figure` and becomes the metric `quality.<analyzer>.<figure>`. The folder
`figures/` has clipbench's own, one file per analyzer. A figure whose truth is not labelled is not measured.
"""

from clipbench.bench.quality.declaration import Figure, NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.registry import discover, keys_of_plugins, metric_names
from clipbench.bench.quality.scoring import is_missed, score
from clipbench.bench.quality.truth import EXPECTED, NO_PASS, Truth, labels_beside, load_truth

__all__ = [
    "EXPECTED",
    "NO_PASS",
    "Figure",
    "NotLabelled",
    "NothingFound",
    "Scored",
    "Truth",
    "discover",
    "figure",
    "is_missed",
    "keys_of_plugins",
    "labels_beside",
    "load_truth",
    "metric_names",
    "score",
]
