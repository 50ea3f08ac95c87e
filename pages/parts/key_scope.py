"""Keys of widgets and of what a session remembers, each with the name of the place that it belongs to.

Streamlit keeps one table of keys for all pages of a session, so two pages that chose one word for two things would read
each other's values. A key made here begins with its place: a folder of pages, or what several of them share.
"""

from __future__ import annotations


class KeyScope:
    """The keys of one place: ``KeyScope("holter")("paper")`` is ``"holter-paper"``.

    Args:
        place: a folder of pages, or what several share. No two scopes have one name, which the tests hold.
    """

    def __init__(self, place: str):
        self._place = place

    def __call__(self, *parts: object) -> str:
        """The key of a widget, a container or a value; further parts make several of one kind."""
        return "-".join((self._place, *map(str, parts)))

    @staticmethod
    def in_url(name: str) -> str:
        """The key of what stands in the address, which is its name there: a link that was sent once keeps working.

        It has no place in front, so each name is given once in all pages, which the tests hold.
        """
        return name
