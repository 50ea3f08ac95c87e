# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Promotion of a run's checkpoint: what it would replace, the comparison with that one, and the way back."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import readable_folder
from models import load_checkpoint
from models.checkpoints import checkpoint_folder
from models.core.callbacks import Progress, ShouldStop
from models.experiments import promotion
from models.experiments.cautions import cautions
from models.experiments.succession import Cases, Succession, compare_successor
from models.jobs import Job, JobState
from models.plugins import find_plugin
from pages.parts import access, caching, progress
from pages.parts.background_call import BackgroundCall
from pages.workshop.keys import scope

_OUTCOME, _PROMOTIONS = scope("outcome"), scope("promotions")


def popover(job: Job) -> None:
    """Popover that promotes a run's checkpoint."""
    done = job.state is JobState.DONE
    count = st.session_state.get(_PROMOTIONS, 0)
    with st.popover("Promote", icon=":material/upgrade:", disabled=not done, key=scope("promote", job.id, count)):
        if done:
            _promotion(job)


def _promotion(job: Job) -> None:
    st.caption("The network becomes one of those that the other pages offer; it lies below ECGVIZ_HOME.")
    name = st.text_input("Name of the checkpoint", value=_suggested(job), key=scope("promote_name", job.id)).strip()
    try:
        for caution in cautions(job.checkpoint or job.run_dir):
            st.warning(caution, icon=":material/warning:")
    except EcgvizError:
        pass  # promoting says what is wrong with it
    replaces = promotion.taken(name)
    why, held = "", False
    if replaces:
        st.markdown(f":orange[There is a checkpoint {name} already; it would be replaced, and can be rolled back to.]")
        why, held = _gate(job, name)
    st.button(
        "Replace it" if replaces else "Promote", type="primary", key=scope("run_promote"), on_click=_promote,
        args=(job, name, why), disabled=held,
    )  # fmt: skip
    last = promotion.standing(name)
    if last is not None:
        former = f"to {last.former_sha256[:8]}" if last.former_sha256 else "to none"
        st.caption(f"Promoted {last.time[:10]} by {last.who or 'somebody'}: {last.why or 'no reason given'}.")
        st.button(
            f"Roll back {former}", icon=":material/history:", key=scope("run_rollback"), on_click=_rollback,
            args=(name,),
            help="The checkpoint that was replaced answers again, with its operating point; both stay in the log.",
        )  # fmt: skip


def _suggested(job: Job) -> str:
    """The job's name where it can be one of a checkpoint, else the configuration's."""
    name = job.name
    return name if name and " " not in name else str(job.config.get("name", name))


def _gate(job: Job, name: str) -> tuple[str, bool]:
    """The comparison with what would be replaced: what speaks for it, and whether it is held back."""
    plugin = find_plugin(job.config)
    if plugin is None or plugin.role != "pictures":
        return "not compared", False
    root = str(job.config["data"].get("root", ""))
    asked = scope("gate", job.id, name)
    st.button(
        f"Compare with {name}", icon=":material/compare:", key=scope("compare_former"),
        on_click=_ask, args=(asked,),
        help="Both answer the held-out pictures that neither was trained on, old and new ones apart.",
    )  # fmt: skip
    found: Succession | None = None
    if st.session_state.get(asked):
        former = checkpoint_folder(name)
        run = job.checkpoint or job.run_dir / "checkpoint"
        call = _comparing(str(former), _stamp(former), str(run), root)
        if not call.wait(0.5):
            progress.bar(call, "Asking both networks", scope("gate_bar"))
        elif call.error is not None:
            st.error(str(call.error))
        else:
            found = call.result
            _show(found)
    if found is not None and found.passes:
        return "compared: nothing is shown to get worse", False
    why = st.text_input(
        "Replace it all the same, because", key=scope("anyway", job.id), max_chars=500, placeholder="for the log"
    ).strip()
    return why, not why


def _ask(asked: str) -> None:
    st.session_state[asked] = True


def _stamp(folder: Path) -> float:
    try:
        return (folder / "card.json").stat().st_mtime
    except OSError:
        return 0.0


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparing(former: str, stamp: float, run: str, root: str) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> Succession:
        both = load_checkpoint(former), load_checkpoint(run)
        return compare_successor(*both, readable_folder(root), progress=tell)

    return BackgroundCall(compute)


def _show(found: Succession) -> None:
    """What the comparison found, on old and new cases."""
    rows = ["| | pictures | AUROC before | after | difference (95%) | passed defects | rejected good |",
            "|:--|--:|--:|--:|:--|:--|:--|"]  # fmt: skip
    rows += [_row(part) for part in found.parts]
    st.markdown("\n".join(rows))
    if found.passes:
        st.success("Nothing is shown to get worse; the interval says how much could have been found.")
    for sentence in found.worse:
        st.error(f"Worse on {sentence}")


def _row(part: Cases) -> str:
    if part.paired is None:
        return f"| {part.name} | 0 | – | – | – | – | – |"
    low, high = part.paired.interval or (float("nan"), float("nan"))
    return (
        f"| {part.name} | {part.count[0]} | {part.paired.first:.3f} | {part.paired.second:.3f} | "
        f"{part.paired.difference:+.3f} ({low:+.3f} to {high:+.3f}) | "
        f"{len(part.escapes[0])} more, {len(part.escapes[1])} fewer | "
        f"{len(part.overkill[0])} more, {len(part.overkill[1])} fewer |"
    )


def show_outcome() -> None:
    """Show the result of the last action."""
    kind, words = st.session_state.get(_OUTCOME) or ("", "")
    if words:
        (st.error if kind == "error" else st.success)(words)


def note(kind: str, words: str) -> None:
    """Keep the result of an action, to be shown: "error" or "success", and its words."""
    st.session_state[_OUTCOME] = (kind, words)


def _promote(job: Job, name: str, why: str) -> None:
    if not access.permit().allowed:
        return
    try:
        folder = promotion.promote(job.checkpoint or job.run_dir, name, who=access.who(), why=why)
    except EcgvizError as error:
        note("error", str(error))
        return
    _changed()
    note("success", f"**{folder.name}** is one of the checkpoints now; the sidebar offers it.")


def _rollback(name: str) -> None:
    if not access.permit().allowed:
        return
    try:
        line = promotion.rollback(name, who=access.who(), why="rolled back on the page")
    except EcgvizError as error:
        note("error", str(error))
        return
    _changed()
    note(
        "success", f"**{name}** is rolled back" + (f" to {line.sha256[:8]}." if line.sha256 else ": there is none now.")
    )


def _changed() -> None:
    caching.checkpoints.clear()
    st.session_state[_PROMOTIONS] = st.session_state.get(_PROMOTIONS, 0) + 1
