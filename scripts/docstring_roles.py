"""Extension of griffe for the documentation site: the roles of docstrings (:func:`...`) as code in Markdown.

Editors and `help()` read the docstrings as they stand; the site is Markdown, which knows no roles.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|mod|attr|meth|data|exc):`~?([^`]+)`")


def as_code(text: str) -> str:
    """The text with each role as inline code: the name that it points to."""
    return ROLE.sub(r"`\1`", text)


class DocstringRoles(griffe.Extension):
    """Rewrites the docstring of every object as it is collected."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_code(obj.docstring.value)
