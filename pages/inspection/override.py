"""Overriding a verdict: name and reason once, then a key for each decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ecgviz.analysis.dispositions import Decisions, Final, final_slice
from ecgviz.analysis.overrides import override, override_all, undo
from ecgviz.errors import EcgvizError
from ecgviz.results import Verdict
from models.core.words import counted
from pages.inspection import keys
from pages.inspection.keys import scope

REASONS = ("seen in the picture", "known artefact", "measured", "other inspection")
_KEYS = (("OK", "normal", "O", ":material/check_circle:"), ("Defect", "defect", "D", ":material/report:"),
         ("Review", "review", "V", ":material/visibility:"))  # fmt: skip
_HELP = (
    "Your verdict goes into the log beside the network's, with your name and reason; the network's own never changes. "
    "Keys: O is OK, D defect, V review, U takes the last decision back."
)
_WORDS = {"slice": "this slice", "part": "this part", "batch": "the whole batch"}


def picker(
    final: Final | None,
    decisions: Decisions,
    *,
    index: int | None = None,
    then: Callable[[], None] | None = None,
    alone: bool = True,
) -> None:
    """The buttons for a part or one of its slices, with name and reason.

    Args:
        final: what counts for the part; None while it is not known.
        decisions: what stands.
        index: the slice on show, of a stack; None where there is nothing to choose.
        then: called when a decision was entered; a page that gives it has the fields of :func:`by` elsewhere.
        alone: whether the keys are for these buttons.
    """
    st.markdown("**Override**", help=_HELP)
    if then is None:
        by()
    what = "part"
    if index is not None:
        what = st.segmented_control(
            "What is decided", ("part", "slice"), default="part", required=True, key=keys.SCOPE,
            format_func=_WORDS.__getitem__, label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
    subject = final
    if what == "slice" and final is not None and index is not None:
        subject = final_slice(final.network, index, decisions)
    known = subject is not None and bool(subject.network.sha256)
    buttons(subject if known else None, what, then, short=alone)


def by() -> None:
    """Fields for name and reason, kept for the next decision."""
    with st.container(horizontal=True, gap="small", width="content"):
        st.text_input(
            "Inspector", key=keys.DECIDER, persist_state="session", max_chars=200, width=130, placeholder="your name"
        )
        st.selectbox(
            "Reason", REASONS, key=keys.REASON, persist_state="session", accept_new_options=True, width=165,
            help="Choose one, or write your own.",
        )  # fmt: skip


def buttons(subject: Final | None, what: str, then: Callable[[], None] | None = None, *, short: bool = True) -> None:
    """A button for each verdict and one to undo, each with its key; what became of the last decision."""
    with st.container(horizontal=True, gap="xsmall"):
        for label, new, key, icon in _KEYS:
            st.button(
                label, icon=icon, key=scope("override", what, new), shortcut=key if short else None,
                disabled=subject is None, on_click=_enter, args=(subject, what, new, then),
                type="primary" if subject is not None and subject.decision and subject.verdict == new else "secondary",
                help=f"Decide that {_WORDS[what]} is {new}.",
            )  # fmt: skip
        st.button(
            "Undo", icon=":material/undo:", key=scope("override", what, "undo"), shortcut="U" if short else None,
            disabled=subject is None or subject.decision is None, on_click=_undo, args=(subject, what),
            help="Takes the last decision about it back; both stay in the log.",
        )  # fmt: skip
    outcome()


def many(verdicts: Sequence[Verdict], then: Callable[[], None]) -> None:
    """Buttons that decide about several parts at once."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(f"**{counted(len(verdicts), 'part')}** marked", width="content")
        for label, new, key, icon in _KEYS:
            st.button(
                label, icon=icon, key=scope("override", "many", new), shortcut=key, on_click=_enter_all,
                args=(tuple(verdicts), new, then), help=f"Decide that all marked parts are {new}.",
            )  # fmt: skip
    outcome()


def outcome() -> None:
    """What became of the last decision."""
    kind, words = st.session_state.get(keys.OUTCOME) or ("", "")
    if kind == "error":
        st.error(words)


def _signed() -> dict[str, str]:
    return {
        "reason": str(st.session_state.get(keys.REASON) or ""),
        "who": str(st.session_state.get(keys.DECIDER) or ""),
    }


def _told(work: Callable[[], object], words: str) -> bool:
    try:
        work()
    except EcgvizError as error:
        st.session_state[keys.OUTCOME] = ("error", str(error))
        return False
    st.session_state[keys.OUTCOME] = ("", "")
    st.toast(words, icon=":material/gavel:")
    return True


def _enter(subject: Final, what: str, new: str, then: Callable[[], None] | None) -> None:
    verdict = subject.network
    if _told(lambda: override(verdict, new, scope=what, confirm=True, **_signed()), f"{_WORDS[what]}: {new}") and then:
        then()


def _enter_all(verdicts: tuple[Verdict, ...], new: str, then: Callable[[], None]) -> None:
    if _told(lambda: override_all(verdicts, new, **_signed()), f"{counted(len(verdicts), 'part')}: {new}"):
        then()


def _undo(subject: Final, what: str) -> None:
    _told(lambda: undo(subject.network, who=_signed()["who"], scope=what), f"{_WORDS[what]}: taken back")
