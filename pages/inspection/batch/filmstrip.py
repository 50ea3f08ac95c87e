"""Filmstrip of a batch: a click shows a part, Ctrl or Shift and a click marks several for one decision.

A component of its own, since no widget of Streamlit's shows pictures of which some are marked. It tells Python the file
that was clicked and the files that are marked, by their number on the page of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ecgviz.analysis.dispositions import Final
from pages.inspection.batch.keys import scope
from pages.parts import picture_keys
from readers.core.file_names import readable

_MARKED = scope("marked")
_STRIP_PX = 100
_HTML = "<div class='strip' role='listbox' aria-label='Parts of this page'></div>"
_CSS = """
.strip { display: flex; gap: 6px; overflow-x: auto; padding: 3px 3px 8px; }
.part { position: relative; flex: 0 0 72px; border: 3px solid transparent; border-radius: 6px; padding: 1px;
  background: none; cursor: pointer; color: var(--st-text-color); font: 11px var(--st-font); text-align: center; }
.part img, .part .none { display: block; width: 64px; height: 64px; object-fit: contain; background: #0002;
  border-radius: 3px; }
.part .word { display: block; margin-top: 1px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.part[data-kind=defect] .word { border-top: 3px solid #d55e00; }
.part[data-kind=review] .word { border-top: 3px solid #e69f00; }
.part[data-kind=normal] .word { border-top: 3px solid #6b7280; }
.part[data-kind="not read"] .word { border-top: 3px dashed #9c8c8c; }
.part[aria-current=true] { border-color: var(--st-primary-color); }
.part[aria-selected=true]::after { content: "✓"; position: absolute; top: 4px; right: 6px; width: 17px;
  height: 17px; border-radius: 50%; background: var(--st-primary-color); color: #fff; line-height: 17px; }
.part:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip");
  const marked = new Set(data.marked);
  strip.replaceChildren(...data.parts.map((part, number) => {
    const button = document.createElement("button");
    button.className = "part";
    button.type = "button";
    button.dataset.kind = part.kind;
    button.title = part.title;
    button.setAttribute("role", "option");
    button.setAttribute("aria-current", String(number === data.chosen));
    button.setAttribute("aria-selected", String(marked.has(number)));
    const picture = document.createElement(part.src ? "img" : "span");
    if (part.src) { picture.src = part.src; picture.alt = ""; } else { picture.className = "none"; }
    const word = document.createElement("span");
    word.className = "word";
    word.textContent = part.word;
    button.append(picture, word);
    button.addEventListener("click", (event) => {
      const how = event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "mark" : "show";
      setTriggerValue("clicked", { number, how });
    });
    return button;
  }));
  const current = strip.querySelector("[aria-current=true]");
  if (current) {
    const left = current.offsetLeft - strip.offsetLeft;
    if (left < strip.scrollLeft || left + 78 > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = left - 80;
  }
}
"""
_component = st.components.v2.component("ecgviz_filmstrip", html=_HTML, css=_CSS, js=_JS)


def show(finals: Sequence[Final], thumbnails: dict[str, str]) -> tuple[Final, ...]:
    """The parts of a page of the table; returns those that are marked."""
    files = [one.network.file for one in finals]
    kept = set(st.session_state.get(_MARKED) or ())
    chosen = st.session_state.get(picture_keys.CHOSEN)
    key = scope("filmstrip")
    _component(
        key=key,
        data={
            "parts": [_part(one, thumbnails.get(one.network.file, "")) for one in finals],
            "chosen": files.index(chosen) if chosen in files else -1,
            "marked": [number for number, file in enumerate(files) if file in kept],
        },
        height=_STRIP_PX,
        on_clicked_change=lambda: _clicked(key, files),
    )
    marked = tuple(one for one in finals if one.network.file in kept)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("mark_row")):
        st.button("Mark all", key=scope("mark_all"), on_click=_mark, args=(files,), icon=":material/select_all:",
                  help="Marks every part of this page of the table.")  # fmt: skip
        st.button("Unmark", key=scope("unmark"), on_click=clear, disabled=not marked, icon=":material/deselect:")
        if not marked:
            st.caption("A click shows a part; Ctrl or Shift and a click marks several for one decision.")
    return marked


def clear() -> None:
    """Nothing is marked any more."""
    st.session_state[_MARKED] = ()


def _mark(files: Sequence[str]) -> None:
    st.session_state[_MARKED] = tuple(files)


def _part(final: Final, src: str) -> dict[str, str]:
    name = readable(Path(final.network.file).name)
    by = f", decided by {final.decided_by}" if final.decided else ""
    return {"src": src, "kind": final.kind, "word": f"{'● ' if final.decided else ''}{final.kind}",
            "title": f"{name}: {final.kind}{by}"}  # fmt: skip


def _clicked(key: str, files: Sequence[str]) -> None:
    click = getattr(st.session_state[key], "clicked", None)
    number = click.get("number") if isinstance(click, dict) else None
    if isinstance(number, int) and 0 <= number < len(files):
        act(files, number, str(click.get("how")))


def act(files: Sequence[str], number: int, how: str) -> None:
    """What a click on a part does: "show" it, "mark" it or take its mark away, or mark the "range" up to it."""
    state = st.session_state
    marked = [file for file in state.get(_MARKED) or () if file in files]
    if how == "mark":
        file = files[number]
        state[_MARKED] = tuple(one for one in marked if one != file) if file in marked else (*marked, file)
    elif how == "range":
        last = marked[-1] if marked else state.get(picture_keys.CHOSEN)
        start = files.index(last) if last in files else number
        low, high = sorted((start, number))
        state[_MARKED] = tuple(dict.fromkeys((*marked, *files[low : high + 1])))
    else:
        state[picture_keys.CHOSEN] = files[number]
