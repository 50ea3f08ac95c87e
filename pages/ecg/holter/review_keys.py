"""Keys that edit: none is lost however quickly they follow each other, and none hits a beat that was not seen.

The browser counts the presses and sends all that the server has not told it to have heard of, so that a press during a
rerun comes with the next one. With each goes the beat (or family) that was on the screen. After a click or another key,
which may be moving the view, there is none: such a press is for whatever that leads to, so the page acts on presses
after the callbacks of all else.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_memory import memory

LETTERS = ("n", "s", "v", "f", "q")
KEYS = (*LETTERS, "x", "d", "y", "a", "w", "g", "escape", "undo", "redo")
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
  if (typing(document.activeElement) || !state.send) return;
  if (!key) { state.moved = true; return; }
  if (event.repeat || document.querySelector('[role="dialog"]')) return;
  event.preventDefault();
  event.stopPropagation();
  state.last = Math.max(state.last + 1, Date.now() * 100);
  state.waiting.push({ n: state.last, key, seen: state.moved ? null : state.seen });
  if (["w", "g", "escape"].includes(key)) state.moved = true;
  state.send("pressed", [...state.waiting]);
}

export default function ({ data, setStateValue }) {
  state.send = setStateValue;
  state.seen = data.seen;
  state.waiting = state.waiting.filter((one) => one.n > data.done);
  if (!state.waiting.some((one) => ["w", "g", "escape"].includes(one.key))) state.moved = false;
  const clicked = () => { state.moved = true; };
  document.addEventListener("keydown", pressed, true);
  document.addEventListener("click", clicked, true);
  return () => {
    document.removeEventListener("keydown", pressed, true);
    document.removeEventListener("click", clicked, true);
    state.send = null;
  };
}
"""
_listener = st.components.v2.component("ecgviz_review_keys", html="<span></span>", js=_SCRIPT)


@dataclass(frozen=True)
class Press:
    """One press; ``seen`` is what was on the screen, None after a move that is on its way."""

    number: float
    key: str
    seen: str | None


def listen(seen: str) -> None:
    """Listen for keys; ``seen`` says what an edit is for and comes back with each press."""
    _listener(
        key=_KEY,
        data={"seen": seen, "done": memory().done},
        default={"pressed": []},
        on_pressed_change=lambda: None,
        height=1,
    )


def new_presses() -> list[Press]:
    """The presses that were sent and not yet acted on, in their order."""
    done = memory().done
    sent = getattr(st.session_state.get(_KEY), "pressed", None)
    found = [
        Press(one["n"], one["key"], one.get("seen"))
        for one in (sent if isinstance(sent, list) else [])
        if isinstance(one, dict) and isinstance(one.get("n"), int | float) and one.get("key") in KEYS
    ]
    return sorted((one for one in found if one.number > done), key=lambda press: press.number)
