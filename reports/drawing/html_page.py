"""What HTML reports share: the escaping template environment, the style and the script.

A report is one file that loads nothing from elsewhere: it contains the style, the script and every picture.
Its content security policy (in page.html.j2) makes the browser refuse anything else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.reports import formatting
from clipbench.reports.drawing import colours

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
SCRIPT = (TEMPLATES / "script.js").read_text(encoding="utf-8")


@functools.cache
def template_environment() -> Environment:
    """The environment of all templates in reports/templates.

    Whatever a template shows is escaped, and its control characters are replaced (formatting.printable); an
    undefined name is an error. Templates use `formatting` (reports/formatting.py) for numbers. They extend
    `page.html.j2`, with its blocks `title`, `style` and `content`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    def printable(value: Any) -> Any:
        named = isinstance(value, str | Path) and not isinstance(value, Markup)
        return formatting.printable(str(value)) if named else value

    def breakable(name: str) -> Markup:
        """A name in which lines can break after a dot, a comma or an underscore."""
        return Markup(re.sub(r"([.,_])", r"\1<wbr>", str(escape(formatting.printable(name)))))

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    environment.globals |= {
        "formatting": formatting,
        "breakable": breakable,
        "colour": colours.colour,
        "signs": formatting.SIGNS,
        "target_words": formatting.TARGET_WORDS,
        # Only these two are inserted without escaping: they are files of the project.
        "style": Markup(STYLE),
        "script": Markup(SCRIPT),
        "script_digest": digest,
    }
    return environment
