"""Keys that edit: none is lost however quickly they follow each other, and none hits a beat that was not seen.

The browser counts the presses and sends all that the server has not told it to have heard of, so that a press during a
rerun comes with the next one. With each goes the beat (or family) that was on the screen; after a press that moves the
view, which is on its way, there is none: such a press is for whatever the move leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.ecg.holter.keys import scope

LETTERS = ("n", "s", "v", "f", "q")
KEYS = (*LETTERS, "x", "d", "y", "a", "w", "g", "escape", "undo", "redo")
_DONE = scope("review_keys", "done")
_KEY = scope("review_keys")

_SCRIPT = """
const state = (window.__ecgvizReviewKeys ??= { waiting: [], last: 0, seen: null, moved: false, send: null });
const plain = new Set(["n", "s", "v", "f", "q", "x", "d", "y", "a", "w", "g", "escape"]);
const untyped = ["checkbox", "radio", "range"];
const typing = (element) => element && (element.isContentEditable
  || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName) && !untyped.includes(element.type));

function named(event) {
  const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
  if (command && !event.altKey) {
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return key === "y" && !event.shiftKey ? "redo" : null;
  }
  return plain.has(key) && !event.altKey && !event.shiftKey ? key : null;
}

function pressed(event) {
  const key = named(event);
  if (!key || event.repeat || typing(document.activeElement) || !state.send) return;
  if (document.querySelector('[role="dialog"]')) return;
  event.preventDefault();
  event.stopPropagation();
  state.last = Math.max(state.last + 1, Date.now() * 100);
  state.waiting.push({ n: state.last, key, seen: state.moved ? null : state.seen });
  if (key === "w" || key === "g") state.moved = true;
  state.send("pressed", [...state.waiting]);
}

export default function ({ data, setStateValue }) {
  state.send = setStateValue;
  state.seen = data.seen;
  state.waiting = state.waiting.filter((one) => one.n > data.done);
  if (!state.waiting.some((one) => one.key === "w" || one.key === "g")) state.moved = false;
  document.addEventListener("keydown", pressed, true);
  return () => { document.removeEventListener("keydown", pressed, true); state.send = null; };
}
"""
_listener = st.components.v2.component("ecgviz_review_keys", html="<span></span>", js=_SCRIPT)


@dataclass(frozen=True)
class Press:
    """One press; ``seen`` is what was on the screen, None after a move that is on its way."""

    key: str
    seen: str | None


def listen(seen: str, act: Callable[[list[Press]], None]) -> None:
    """Listen for keys; ``act`` is called with the presses that are new, in their order.

    Args:
        seen: what an edit is for, told back with each press.
        act: does what they say.
    """
    _listener(
        key=_KEY,
        data={"seen": seen, "done": st.session_state.get(_DONE, 0)},
        default={"pressed": []},
        on_pressed_change=lambda: act(new_presses()),
        height=1,
    )


def new_presses() -> list[Press]:
    """The presses that were sent and not yet acted on; they count as acted on from then on."""
    found, last = [], st.session_state.get(_DONE, 0)
    sent = getattr(st.session_state.get(_KEY), "pressed", None)
    for one in sent if isinstance(sent, list) else []:
        number, key = one.get("n"), one.get("key")
        if isinstance(number, int | float) and number > last and key in KEYS:
            last = number
            found.append(Press(key, one.get("seen")))
    st.session_state[_DONE] = last
    return found
