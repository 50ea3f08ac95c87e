"""Helpers of both command lines: exit status, configuration overrides, progress bar."""

from __future__ import annotations

import argparse
import getpass
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.core.callbacks import Progress
from models.core.errors import ConfigError, EcgvizError
from readers.core.file_names import readable


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; each command is the default ``command`` of its parser.

    Returns:
        The exit status: what the command gave, 0 for None, 2 with one sentence on stderr, or 130 where it was
        interrupted (Ctrl-C): what was written until then stays.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no name or sign is worth losing the work for
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser.parse_args(arguments)
        return options.command(options) or 0
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was written stays\n")
        return 130
    except EcgvizError as error:
        message = str(error)
    except OSError as error:  # a disk that is full, a folder that went away: a traceback would help nobody
        name = Path(error.filename).name if isinstance(error.filename, str) else ""
        message = f"{name}: {error.strerror}" if name and error.strerror else str(error)
        message += "; see to the file, its folder and the room on the disk"
    sys.stderr.write(f"error: {message}\n")
    return 2


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for a configuration name and repeated ``--set key=value``."""
    parser.add_argument("config", nargs="?", help="YAML file, or the name of one of models/configs")
    add_changes(parser, "change settings, such as lr=0.001 data.root=FOLDER")


def add_changes(parser: argparse.ArgumentParser, what: str) -> None:
    """Enter ``--set key=value ...``, which may be given several times."""
    parser.add_argument("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help=what)


def configuration(options: argparse.Namespace, usage: str) -> tuple[str, list[str]]:
    """The configuration and the overrides that :func:`add_configuration` parsed, in order.

    ``--set`` takes every word up to the next option, so a configuration that comes after it is among the changes; it
    is the one word without an equals sign.

    Args:
        options: of the command.
        usage: the command as it is to be written, for the message.

    Raises:
        ConfigError: there is no configuration, or a word that is neither it nor a change.
    """
    changes = [word for word in options.set if "=" in word]
    others = [word for word in options.set if "=" not in word]
    if options.config is None and len(others) == 1:
        return others[0], changes
    if others:
        raise ConfigError(others[0], f"is no change of a setting, which is key=value; write {usage}")
    if options.config is None:
        raise ConfigError("config", f"is needed: {usage}")
    return options.config, changes


@contextmanager
def bar(unit: str) -> Iterator[Progress]:
    """A progress bar as a ``progress(done, total, note)`` callback; silent where stderr is no terminal."""
    from tqdm import tqdm

    with tqdm(unit=unit, disable=None, leave=False) as shown:

        def progress(done: int, total: int, note: str) -> None:
            shown.total = total
            shown.set_postfix_str(readable(note), refresh=False)
            shown.update(done - shown.n)

        yield progress


def say(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{text}\n")


def user() -> str:
    """Name of whoever runs the command; empty where the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        return ""
