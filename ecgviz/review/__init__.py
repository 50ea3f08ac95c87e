"""Review of a recording: what people decide about its beats and rhythms, beside what the network says.

Decisions are typed events (:mod:`ecgviz.review.events`) in an append-only log (:mod:`ecgviz.review.log`). The edited
beats are a pure function of the network's beats and the log (:mod:`ecgviz.review.state`), so nothing is ever
overwritten and every decision can be undone.
"""

from ecgviz.review.log import ReviewKey, ReviewLog, review_key
from ecgviz.review.state import ReviewState, apply, review_state

__all__ = ["ReviewKey", "ReviewLog", "ReviewState", "apply", "review_key", "review_state"]
