"""Whose fault it is: a decoder's words are about the file, an exception of our own code is about our code."""

from __future__ import annotations

import ast
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.core.errors import ReadError
from readers.core.decoding import DAMAGE, decoding

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("raised", [*DAMAGE, OSError])
def test_what_a_decoder_raises_names_the_file_and_its_words(raised: type[Exception]) -> None:
    with (
        pytest.raises(ReadError, match=r"a\.bin: is damaged \(bad marker\)") as caught,
        decoding("x/a.bin", "is damaged ({error})"),
    ):
        raise raised("bad marker")
    assert isinstance(caught.value.__cause__, raised)


@pytest.mark.parametrize(
    "raised",
    [NameError("x"), ImportError("x"), MemoryError(), OSError(errno.EIO, "the disk failed"), KeyboardInterrupt()],
)
def test_what_is_no_damage_stays_itself(raised: BaseException) -> None:
    with pytest.raises(type(raised)) as caught, decoding("a.bin", "is damaged"):
        raise raised
    assert caught.value is raised


def test_an_error_of_the_system_is_the_file_s_only_where_it_is_said() -> None:
    with pytest.raises(ReadError), decoding("a.bin", "cannot be read", OSError):
        raise FileNotFoundError(errno.ENOENT, "gone")


def takes_all(handler: ast.ExceptHandler) -> bool:
    """Whether it catches every exception."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or ast.unparse(one) in {"Exception", "BaseException"} for one in caught)


def blaming() -> Iterator[str]:
    """Handlers of every exception that make a ReadError of it."""
    for path in [file for folder in ("ecgviz", "models", "pages", "readers") for file in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler) or not takes_all(node):
                continue
            raised = [
                ast.unparse(one.exc) for one in ast.walk(node) if isinstance(one, ast.Raise) and one.exc is not None
            ]
            if any("ReadError" in words for words in raised):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"


def test_nothing_takes_every_exception_for_the_file_s_fault() -> None:
    assert list(blaming()) == []
