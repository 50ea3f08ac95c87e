"""The keys of what a session remembers, each once; a widget's key is its name in the link too.

``RECORD`` to ``TURN`` are kept by the pages themselves (`pages.parts.link` puts them into the URL), the others by
widgets that are bound to the URL.
"""

from __future__ import annotations

RECORD = "record"
START = "t"
BEAT = "beat"
PAGE = "pdf_page"
TURN = "turn"

DETAILS = "_details"
LEAD_NAMES = "_lead_names"
JUMP = "_jump_to_first"
SUITING = "_page_by_recording"
LAST_PAGE = "_last_page_of_recordings"
RANK = "_least_sure_rank"
SESSION = "_session"
LINKED = "_linked"
ANSWERS = "_answers"
AT_WORK = "_at_work"
OPENINGS = "_openings"
CALIPERS = "_calipers"

CHECKPOINT = "checkpoint"
RECORD_CHECKPOINT = "network12"
PAPER_CHECKPOINT = "network_paper"
ROWS_CHECKPOINT = "network_rows"
DEVICE = "device"
LEAD = "lead"
POSITIONS = "beats"

SECONDS = "seconds"
SPEED = "speed"
GAIN = "gain"
FILTER = "filter"
LAYOUT = "layout"

MAP = "map"
METHOD = "method"
TARGET = "class"
OPACITY = "opacity"
STYLE = "style"
COLOURS = "colours"

TAB = "tab"
OTHER = "compare"
