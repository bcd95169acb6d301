"""What HTML reports share: the escaping template environment, the style, and the timeline as SVG.

A report is one file that fetches nothing: the style, the script and every picture are in it, and its content
security policy (in page.html.j2) has the browser refuse whatever else a mistake might let in.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.bench.runs.results import Result
from clipbench.reports import formatting
from clipbench.reports.drawing import bars
from clipbench.reports.drawing.timeline_layout import timeline

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
SCRIPT = (TEMPLATES / "script.js").read_text(encoding="utf-8")


@functools.cache
def environment() -> Environment:
    """The environment of all templates in reports/templates. Whatever a template shows is escaped, and its
    control characters are made visible (words.visible); a name that is not there is an error.

    Templates have `words` (reports/formatting.py) for numbers. `page.html.j2` is the page to extend, with its
    blocks `title` and `content`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else formatting.visible(value)

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    made.globals |= {
        "words": formatting,
        "colour": bars.colour,
        "ink_on": bars.ink_on,
        "signs": formatting.SIGNS,
        # Only these two are put in as they are: they are files of the project.
        "style": Markup(STYLE),
        "script": Markup(SCRIPT),
        "script_digest": digest,
    }
    return made


def timeline_svg(
    result: Result, window: tuple[float, float] | None = None, length_s: float | None = None
) -> Markup:
    """What happened in `window` (start and end in seconds from the start of the run; by default the typical
    measured pass) as an `<svg>`: a row per worker, a bar per span, waits as gaps, a tooltip on each bar.

    It is as wide as what it is in. Its time axis counts from the window's start and is `length_s` long, so
    that timelines under each other can share a scale; by default it ends with the window. The hatches of bars
    that are no analyses are on the page (page.html.j2).
    """
    from markupsafe import Markup

    template = environment().get_template("timeline.svg.j2")
    return Markup(template.render(t=timeline(result, window, length_s)))
