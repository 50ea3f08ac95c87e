"""Page Networks: architectures, and the card of each checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ecgviz.figures.curves import reliability_bins
from ecgviz.figures.rhythms import rhythm_words
from models import CheckpointSummary
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULTS, Card
from models.core.words import counted
from models.evaluation.overview import network_table
from models.metrics.beats import macro_words
from models.plugins import find_plugin
from models.tasks import create_task
from pages.parts import appearance, caching, tables
from pages.parts.appearance import styled
from pages.parts.key_scope import KeyScope
from pages.parts.sidebar import ROLE_WORDS

PURPOSE = "What each network is, what it was trained on, how good it is, and what it is not for."
scope = KeyScope("networks")
# Training recordings that the facts name one by one; the names of more would push all else off the page.
_MOST_NAMED = 100


@st.cache_data(show_spinner=False)
def _architectures() -> pd.DataFrame:
    return pd.DataFrame(network_table())


def page() -> None:
    """The whole page."""
    st.header("Networks", anchor=False)
    st.markdown(PURPOSE)
    found = caching.checkpoints()
    if not found:
        st.error("No checkpoint was found; restore the folder checkpoints/ from the repository.")
    else:
        st.markdown(_answering(found))
        st.caption(
            "In brackets until when each was trained. Another one is chosen in the sidebar; a site that stays "
            "on an older one for beats starts the app with its name in ECGVIZ_BEAT_CHECKPOINT."
        )
        names = [summary.name for summary in found]
        start = names.index(DEFAULT_BEAT_CHECKPOINT) if DEFAULT_BEAT_CHECKPOINT in names else 0
        name = st.pills("Checkpoint", names, default=names[start], required=True, key=scope("card"))
        _checkpoint(found[names.index(name or names[start])])
    st.markdown("##### Architectures")
    tables.dataframe(
        _architectures(),
        hide_index=True,
        key=scope("architectures"),
        column_config={
            "name": "Name",
            "parameters": st.column_config.NumberColumn(
                "Parameters",
                format="localized",
                help="With one lead and five classes; for pictures, two.",
            ),
            "reads": "Reads",
            "summary": st.column_config.TextColumn("What it is", width="large"),
        },
    )


def _answering(found: Sequence[CheckpointSummary]) -> str:
    """Default checkpoint of each role and the others, newest first, with training dates."""
    rows = ["| What is opened | Default | Others |", "|:--|:--|:--|"]
    for role, words in ROLE_WORDS.items():
        usable = [one for one in found if one.card is not None and one.card.role == role]
        usable.sort(key=lambda one: one.card.date, reverse=True)
        default = ", ".join(f"**{one.name}** ({tables.day(one.card.date)})" for one in usable if one.is_default)
        others = ", ".join(tables.dated(one for one in usable if not one.is_default).values())
        rows.append(f"| {words} | {default or f':red[{DEFAULTS[role]} is not there]'} | {others or '–'} |")
    return "\n".join(rows)


def _checkpoint(summary: CheckpointSummary) -> None:
    if summary.card is None:
        st.error(summary.fault)
        return
    card = summary.card
    with st.container(key=styled("card")):
        facts, metrics = st.columns([2, 3], gap="large")
    with facts:
        st.markdown(_facts(card))
        if len(card.training_records) > _MOST_NAMED:
            with st.expander("Names of the recordings it was trained on"), st.container(height=240, border=False):
                st.caption(_names(card))
        if card.citation:
            with st.expander("What to cite for the data"):
                st.caption(card.citation)
        st.markdown("**What it is not for**")
        st.markdown("\n".join(f"- {limit}" for limit in (card.statement, *card.limits)))
    with metrics:
        _metrics(card.metrics, card.classes)
        _calibration(card)


def _facts(card: Card) -> str:
    rows = [
        ("Architecture", f"`{card.architecture}`, {card.parameters:,} parameters"),
        ("Reads", _reads(card)),
        ("Classes", " ".join(card.classes)),
        *([("Rhythms", ", ".join(map(rhythm_words, card.rhythm_classes)))] if card.rhythm_classes else []),
        ("Trained on", _trained_on(card)),
        ("Trained until", card.date or "not stated"),
        ("Licence of the data", card.licence or "not stated"),
        ("Weights", f"`sha256 {card.weights_sha256[:12]}`"),
    ]
    return tables.facts(rows)


def _trained_on(card: Card) -> str:
    if card.training_images:
        return f"{counted(len(card.training_images), 'picture')}; {card.initial_weights or 'from random weights'}"
    n = len(card.training_records)
    plugin = find_plugin(card)
    if plugin is None or not plugin.names_records or n > _MOST_NAMED:
        return counted(n, "recording")
    return f"{counted(n, 'record')}: {_names(card)}" if n else "not stated"


def _names(card: Card) -> str:
    return ", ".join(record.name for record in card.training_records)


def _reads(card: Card) -> str:
    plugin = find_plugin(card)
    if plugin is None:
        return f"task {card.kind}, which is not installed here"
    return plugin.reads_words(create_task(card.task))


def _metrics(metrics: dict[str, Any], classes: tuple[str, ...]) -> None:
    """Metrics of each evaluated data set as a table with 95% intervals."""
    scored = {name: part for name, part in metrics.items() if isinstance(part, dict) and "scores" in part}
    if not scored:
        st.caption("This card states no metrics.")
    for name, part in scored.items():
        title = name[:1].upper() + name[1:].replace("_", " ")
        if "images" in part:
            _image_scores(title, part)
        elif "recordings" in part:
            _record_scores(title, part, classes)
        else:
            _beat_scores(title, part, classes)


def _beat_scores(title: str, part: dict[str, Any], classes: tuple[str, ...]) -> None:
    st.markdown(
        f"**{title}**: {counted(len(part.get('records', [])), 'record')}, "
        f"{counted(part.get('beats', 0), 'beat')}; in brackets the range "
        "that holds in 95 of 100 resamplings of the records"
    )
    scores = part["scores"]
    rows = [
        {"Class": letter, **{column: _cell(scores.get(f"{letter}_{key}")) for column, key in _COLUMNS}}
        for letter in classes
        if letter != "Q"
    ]
    tables.dataframe(pd.DataFrame(rows), hide_index=True, key=scope("scores", title))
    st.caption(f"Macro-F1 of {macro_words(scores)}: {_cell(scores.get('macro_f1'))}")


def _image_scores(title: str, part: dict[str, Any]) -> None:
    st.markdown(
        f"**{title}**: {part['images']:,} pictures, {part['defects']:,} with a defect, of {part['groups']:,} cells, "
        "boards or slices; in brackets the range that holds in 95 of 100 resamplings of these"
    )
    point = f"{part.get('threshold', 0.5):.3f}"
    rows = [
        {"Metric": words.format(threshold=point), "Value": _cell(part["scores"][key])}
        for words, key in _IMAGE_ROWS
        if key in part["scores"]
    ]
    tables.dataframe(pd.DataFrame(rows), hide_index=True, key=scope("scores", title))


def _record_scores(title: str, part: dict[str, Any], classes: tuple[str, ...]) -> None:
    st.markdown(
        f"**{title}**: {part['recordings']:,} recordings of {part['groups']:,} patients; in brackets the range that "
        "holds in 95 of 100 resamplings of the patients"
    )
    scores = part["scores"]
    rows = [
        {"Label": name, "Recordings": part["positives"][name],
         "Area under the ROC curve": _cell(scores[f"{name}_auroc"]), "F1": _cell(scores[f"{name}_f1"])}
        for name in classes
    ]  # fmt: skip
    tables.dataframe(pd.DataFrame(rows), hide_index=True, key=scope("scores", title))
    st.caption(
        f"Mean area under the ROC curve: {_cell(scores['macro_auroc'])}. Mean F1: {_cell(scores['macro_f1'])}. "
        f"Labels that are right: {_cell(scores['accuracy'])}."
    )


_IMAGE_ROWS = (
    ("Area under the ROC curve", "auroc"),
    ("F1 at threshold {threshold}", "f1"),
    ("Defects found where 95% of good parts pass", "recall_at_95_specificity"),
    ("Area under the ROC curve, pixels", "pixel_auroc"),
    ("Map points at a defect", "pointing"),
    ("Share of the map inside of defects", "mass_inside"),
)
_COLUMNS = (("Sensitivity", "se"), ("Positive predictivity", "ppv"), ("F1", "f1"))


def _cell(score: dict[str, Any] | None) -> str:
    value = score.get("value") if score else None
    if value is None or math.isnan(value):
        return "no such beats"
    low, high = score.get("interval95") or (None, None)
    return f"{value:.1%}" if low is None or math.isnan(low) else f"{value:.1%} ({low:.1%} to {high:.1%})"


def _calibration(card: Card) -> None:
    """Reliability diagrams of held-out and evaluated data."""
    drawn = [("what was held out in training", card.calibration.get("bins"))]
    drawn += [
        (name.replace("_", " "), part["calibration"].get("bins"))
        for name, part in card.metrics.items()
        if isinstance(part, dict) and "calibration" in part
    ]
    drawn = [(name, bins) for name, bins in drawn if bins]
    if not drawn:
        return
    st.markdown("**Does a probability mean what it says?**")
    for name, bins in drawn:
        st.plotly_chart(
            reliability_bins(bins, theme=appearance.theme()),
            key=scope("reliability", name),
            theme=None,
            config={"displayModeBar": False},
            alt=f"Stated probability against the share that came true, on {name}",
        )
        st.caption(f"On {name}.")
    teachers = card.calibration.get("teachers")
    how = "so that it is as sure as its calibrated teachers" if teachers else "chosen on held-out data"
    st.caption(f"Logits are divided by temperature {card.temperature:.2f}, {how}.")


page()
