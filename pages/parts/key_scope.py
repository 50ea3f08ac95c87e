"""Session and widget keys, prefixed with the name of their place.

Streamlit keeps one table of keys for all pages of a session, so two pages that chose one word for two things would read
each other's values. A key made here begins with its place: a folder of pages, or what several of them share.
"""

from __future__ import annotations


class KeyScope:
    """Keys of one place: ``KeyScope("holter")("paper")`` is ``"holter-paper"``.

    Args:
        place: a folder of pages, or what several share. No two scopes have one name, which the tests hold.
    """

    def __init__(self, place: str):
        self._place = place

    def __call__(self, *parts: object) -> str:
        """Key of a widget, a container or a value; further parts distinguish several of one kind."""
        return "-".join((self._place, *map(str, parts)))

    @staticmethod
    def in_url(name: str) -> str:
        """Key of a value in the address, equal to its name there, so that old links keep working.

        It has no place in front, so each name is given once in all pages, which the tests hold.
        """
        return name
