"""Panel beside the paper: labels with thresholds, referral, and lead weights."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.ecg_pictures import PictureAnalysis
from ecgviz.analysis.records import NORMAL, LabelAnalysis, RecordAnalysis, label_words
from ecgviz.errors import EcgvizError
from ecgviz.figures.record_labels import label_bars, lead_weight_bars
from ecgviz.saliency.records import LeadWeights
from models import Checkpoint
from pages.ecg.twelve_lead import caching
from pages.ecg.twelve_lead.keys import scope
from pages.parts import appearance, progress, shared_calls, sidebar
from pages.parts.caching import Opened

_STATIC = {"displayModeBar": False, "staticPlot": True}
_BARS_HELP = (
    "Each label is a probability by itself. The upright line is its threshold: from there on it is said, in bold. "
    "A whisker spans the windows of a recording."
)
_WEIGHTS_HELP = (
    "How far the probability falls when the lead is made flat; grey: it rises. III, aVR, aVL and aVF follow from I and "
    "II, so a lead without weight may still be the one that shows the finding."
)
SECOND_WAIT_S = 1.0


def show(analysis: LabelAnalysis | None, *, key: str = scope("labels")) -> None:
    """Labels with thresholds, and reasons to refer the recording or picture to a person."""
    st.markdown("**What the network says**", help=_BARS_HELP)
    if analysis is None:
        st.caption("The labels appear when it is classified.")
        return
    if isinstance(analysis, PictureAnalysis) and analysis.withheld is not None:
        st.badge("Labels withheld", icon=":material/block:", color="orange", help=analysis.withheld)
        st.caption(" ".join(analysis.refer))
        return
    if analysis.refer:
        st.badge("Uncertain: refer", icon=":material/person_search:", color="orange", help=" ".join(analysis.refer))
    else:
        labels = ", ".join(label_words(name) for name in analysis.positive_labels)
        single = len(analysis.answer.classes) == 1
        st.badge(labels or ("Not abnormal" if single else "No label"), icon=":material/check:", color="gray")
    answer = analysis.answer
    st.plotly_chart(
        label_bars(analysis, theme=appearance.theme()),
        key=key,
        theme=None,
        config=_STATIC,
        alt="Probability of each label: "
        + ", ".join(f"{name} {p:.2f}" for name, p in zip(answer.classes, answer.probability, strict=True)),
    )
    if analysis.refer:
        st.caption(" ".join(analysis.refer))


def show_eight(opened: Opened, checkpoint: Checkpoint, analysis: RecordAnalysis | None) -> None:
    """Normal or abnormal by a dedicated network, where there is one, with a notice on contradictions."""
    names = [
        summary.name
        for summary in sidebar.usable_checkpoints("record")
        if summary.name != checkpoint.name and summary.card.task.get("target") == "abnormal"
    ]
    if not names or checkpoint.task.target == "abnormal":
        return
    try:
        other = sidebar.chosen_checkpoint(names[0], kind="record")
        call = shared_calls.watch("second labels", caching.analysis, opened, other, opened.key, other.sha256)
    except EcgvizError as error:
        st.caption(str(error))
        return
    leads = len(other.task.ecg_leads)
    st.markdown(f"**Normal or abnormal**, by {leads} leads", help=f"Checkpoint {other.name}: {other.task.describe()}.")
    if not call.wait(SECOND_WAIT_S):
        progress.caption(call, "Measuring with the second network …")
    elif call.result is None:
        st.caption(str(call.error or "It was stopped."))
    else:
        st.plotly_chart(
            label_bars(call.result, theme=appearance.theme()),
            key=scope("eight"),
            theme=None,
            config=_STATIC,
            alt=f"Probability of abnormal: {call.result.answer.probability[0]:.2f}",
        )
        if (
            analysis is not None
            and analysis.positive_labels
            and (analysis.positive_labels != (NORMAL,)) != bool(call.result.positive_labels)
        ):
            st.caption(":material/warning: The two networks do not agree on whether this ECG is normal.")


def show_weights(weights: LeadWeights | None, label: str | None, *, key: str = scope("weights")) -> None:
    """Weight of each lead for the label of the map."""
    st.markdown(f"**Weight of each lead**{f' for {label}' if label else ''}", help=_WEIGHTS_HELP)
    if weights is None or label is None:
        st.caption("It appears when it is measured.")
        return
    drop = weights.drop[weights.classes.index(label)]
    st.plotly_chart(
        lead_weight_bars(weights, label, theme=appearance.theme()),
        key=key,
        theme=None,
        config=_STATIC,
        alt="Fall of the probability without each lead: "
        + ", ".join(f"{lead} {value:.2f}" for lead, value in zip(weights.leads, drop, strict=True)),
    )
