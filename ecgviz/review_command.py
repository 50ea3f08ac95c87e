"""``python -m ecgviz review``: a recording's review without a browser: list it, edit it from a file, take it away."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ecgviz.beat_command import analysed, checkpoint_for, opened, say_notes
from ecgviz.results import Beats
from ecgviz.review import ReviewKey, ReviewLog, ReviewState, editing, review_key, review_state
from ecgviz.review.events import Event
from ecgviz.review.words import log_lines
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT
from models.core.errors import ConfigError, StaleReviewError
from models.core.files import file_to_write, folder_to_write, write_file
from models.core.words import counted
from readers.recording import Recording

_TRIES = 5
_LONGEST_NUMBER = 18
LAST = "last"


def add_review(commands: argparse._SubParsersAction, add_recording: Callable[[argparse.ArgumentParser], None]) -> None:
    """The command with its options; ``add_recording`` enters those that say how a recording is read."""
    parser = commands.add_parser(
        "review", help="list, edit and take away what people decided about a recording's beats"
    )
    add_recording(parser)
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT, help="name or folder; default %(default)s")
    parser.add_argument("--who", default="", help="your name, which every edit is signed with; needed to edit")
    parser.add_argument("--apply", type=Path, metavar="FILE", help="make the edits of a CSV or JSON file, all or none")
    parser.add_argument("--undo", metavar="REVISION", help=f"take back one edit: its revision, or {LAST}")
    parser.add_argument("--redo", metavar="REVISION", help=f"bring back one edit: its revision, or {LAST}")
    parser.add_argument(
        "--adapt", action="store_true",
        help="adapt the network to this recording by the beats decided so far, if that is better on held-out ones",
    )  # fmt: skip
    parser.add_argument("--revert", action="store_true", help="take the adaptation back")
    parser.add_argument("--log", action="store_true", help="list the log")
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write the edited beats and the log")
    parser.add_argument("--csv", type=file_to_write, metavar="FILE", help="write the table of the edited beats")
    parser.add_argument(
        "--atr", type=folder_to_write, metavar="FOLDER",
        help="write WFDB annotations: .atr of the edited beats, .net of the network's own beside it",
    )  # fmt: skip
    parser.set_defaults(command=review_recording)


def review_recording(options: argparse.Namespace) -> None:
    """Do what the options say, in the order: edit, undo, redo, revert, adapt, list, write.

    Raises:
        EcgvizError: the recording cannot be read, an edit cannot be made, or a result cannot be written.
    """
    from ecgviz.analysis.beats import with_lead
    from ecgviz.reports.review import check_review_annotations
    from ecgviz.review.edit_list import read_edits
    from ecgviz.review.log import recording_hash

    wishes = read_edits(options.apply) if options.apply is not None else ()
    changes = wishes or options.undo or options.redo or options.adapt or options.revert
    if changes and not options.who.strip():
        raise ConfigError("who", "is needed to edit; name yourself, as in --who 'A. Technician'")
    undone, redone = (_revision(name, getattr(options, name)) for name in ("undo", "redo"))
    checkpoint, started = checkpoint_for(options), time.perf_counter()
    recording = opened(options.record, options)
    if options.atr is not None:
        check_review_annotations(options.atr, recording.name)
    known = recording_hash(with_lead(recording, options.lead))
    recording, beats = analysed(options, checkpoint, recording, started)
    log, key = ReviewLog(), review_key(known, checkpoint.sha256, beats)

    if wishes:
        from ecgviz.review.edit_list import events_of

        made = _append(log, key, options.who, lambda so_far: events_of(wishes, beats, so_far, recording))
        sys.stdout.write(f"{counted(len(wishes), 'edit')} made, as {counted(len(made), 'event')}\n")
    for action, target in (("undo", undone), ("redo", redone)):
        if getattr(options, action) is not None:
            _append(
                log, key, options.who,
                lambda so_far, act=action, at=target: (getattr(editing, act)(review_state(beats, so_far), at),),
            )  # fmt: skip
    if options.revert:
        from ecgviz.review.patient import revert

        _append(log, key, options.who, lambda so_far: (revert(review_state(beats, so_far)),))
    tried = _adapt(options, recording, beats, log, key) if options.adapt else None
    state = review_state(beats, log.events(key))
    _say(recording, state)
    if told := log.elsewhere(key):
        sys.stderr.write(f"warning: {told}\n")
    say_notes(beats)
    if options.log:
        sys.stdout.write("".join(f"{line}\n" for line in log_lines(state, recording.duration_s)))
    _write(options, recording, beats, state, checkpoint.sha256, tried)
    sys.stdout.write(f"{STATEMENT}\n")


def _adapt(
    options: argparse.Namespace, recording: Recording, beats: Beats, log: ReviewLog, key: ReviewKey
) -> dict[str, object]:
    """Adapt the network to the recording, apply it where it is better, and say how it came out."""
    from ecgviz.review.patient import try_adaptation
    from ecgviz.review.waves import beat_waves

    started, state = time.perf_counter(), review_state(beats, log.events(key))
    tried = try_adaptation(state, beats, beat_waves(recording, beats))
    sys.stdout.write("".join(f"{line}\n" for line in tried.lines))
    if tried.event is not None:
        log.append(key, (tried.event,), who=options.who, seen=state.revision)
        sys.stdout.write(f"applied, as revision {state.revision + 1}; --revert takes it back\n")
    sys.stdout.write(f"adapted in {time.perf_counter() - started:.1f} s\n")
    return tried.document


def _append(
    log: ReviewLog, key: ReviewKey, who: str, make: Callable[[Sequence[Event]], Sequence[Event]]
) -> Sequence[Event]:
    """Make the edits on the review as it stands, again where somebody else was quicker."""
    for last in range(_TRIES):
        so_far = log.events(key)
        try:
            return log.append(key, make(so_far), who=who, seen=so_far[-1].revision if so_far else 0)
        except StaleReviewError:
            if last == _TRIES - 1:
                raise
    return ()


def _revision(action: str, text: str | None) -> int | None:
    if text is None or text == LAST:
        return None
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise ConfigError(action, f"{text!r} is no revision; --log lists them, or write {LAST}")
    return int(text)


def _say(recording: Recording, state: ReviewState) -> None:
    beats, edits = state.beats, state.beats.edits
    before, after = (
        ", ".join(f"{name} {int((label == name).sum())}" for name in beats.classes)
        for label in (state.network.label, beats.label)
    )
    gone = len(state.deleted_s), len(state.rejected_s)
    lines = [
        f"{recording.name}: review at revision {state.revision}, {counted(len(state.live), 'edit')} in force",
        f"network: {before}",
        f"edited:  {after}; {gone[0]} deleted, {gone[1]} rejected, {int(edits.added.sum())} added",
        f"{int(edits.decided.sum()):,} of {counted(len(beats), 'beat')} decided",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if state.unknown:
        sys.stderr.write(
            f"warning: {counted(state.unknown, 'decided beat is', 'decided beats are')} not among those found now\n"
        )


def _write(
    options: argparse.Namespace,
    recording: Recording,
    beats: Beats,
    state: ReviewState,
    sha256: str,
    tried: dict[str, object] | None,
) -> None:
    from ecgviz.reports.review import review_csv, review_json, write_review_annotations

    if options.json is not None:
        write_file(options.json, review_json(recording, state, sha256, tried))
    if options.csv is not None:
        write_file(options.csv, review_csv(state))
    if options.atr is not None:
        write_review_annotations(beats, state, options.atr, recording.name)
