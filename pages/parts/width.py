"""Measures the width of the paper in the browser, on which its height in Python depends."""

from __future__ import annotations

import streamlit as st

DEFAULT_PX = 820
_STEP_PX = 20

_SCRIPT = """
export default function ({ parentElement, setStateValue }) {
  const probe = parentElement.querySelector("div");
  let told = 0, timer = null;
  const tell = () => {
    const width = Math.floor(probe.getBoundingClientRect().width / STEP) * STEP;
    if (width > 0 && width !== told) { told = width; setStateValue("width", width); }
  };
  const watcher = new ResizeObserver(() => { clearTimeout(timer); timer = setTimeout(tell, told ? 250 : 0); });
  watcher.observe(probe);
  return () => { clearTimeout(timer); watcher.disconnect(); };
}
""".replace("STEP", str(_STEP_PX))

_probe = st.components.v2.component("ecgviz_width", html="<div style='width:100%;height:0'></div>", js=_SCRIPT)


def measure(key: str) -> int:
    """Width of the current container in px, in steps; a default until the browser has reported."""
    found = _probe(key=key, on_width_change=lambda: None, height=1)
    width = getattr(found, "width", None)
    return int(width) if isinstance(width, int | float) and 200 <= width <= 6000 else DEFAULT_PX
