import numpy as np
import pytest

from ecgviz.figures.strip_signal import lead_ranges, read_strip, strip_ranges


def test_only_the_view_is_read_and_the_ends_stay_empty(make):
    samples, _ = make.spiky(20, 100, 2)
    recording = make.recording(samples, 100.0)
    asked = []

    def read(start, stop):
        asked.append((start, stop))
        return recording.signal_mV(start, stop)

    signal = read_strip(recording, 5.0, 2.0, read=read)
    assert asked == [(500, 701)] and signal.samples.shape == (201, 2)
    assert len(read_strip(recording, 19.0, 10.0).samples) == 100
    assert read_strip(recording, -3.0, 5.0).first == 0
    assert len(read_strip(recording, 40.0, 5.0).samples) == 0


def test_leads_are_found_by_name_and_errors_name_them(make):
    samples, _ = make.spiky(5, 100, 2)
    recording = make.recording(samples, 100.0)
    assert read_strip(recording, 0, 1, ["v1"]).leads == ("V1",)
    with pytest.raises(ValueError, match="aVF"):
        read_strip(recording, 0, 1, ["aVF"])
    with pytest.raises(ValueError, match="at least one"):
        read_strip(recording, 0, 1, [])
    with pytest.raises(ValueError, match="shape"):
        read_strip(recording, 0, 1, ["V1"], read=lambda a, b: samples[a:b])


def test_ranges_skip_gaps_and_infinities(make):
    samples, _ = make.spiky(5, 100, 2)
    samples[10:20, 0] = np.nan
    samples[30, 0] = np.inf
    samples[:, 1] = np.nan
    (low, middle, high), empty = read_strip(make.recording(samples, 100.0), 0, 5).ranges
    assert low < 0 < high == 1.5 and abs(middle) < 0.01
    assert empty == (0.0, 0.0, 0.0)


def test_the_recordings_ranges_keep_the_lanes_height(make):
    samples, _ = make.spiky(120, 100, 2)
    samples[:, 1] += 5.0
    recording = make.recording(samples, 100.0)
    whole = lead_ranges(recording)
    assert whole["MLII"][2] == pytest.approx(1.5, abs=0.01) and whole["V1"][1] == pytest.approx(5.0, abs=0.05)
    quiet = read_strip(recording, 0.0, 0.3)
    assert quiet.ranges[0][2] < 0.1
    assert strip_ranges(quiet, whole)[0][2] == pytest.approx(1.5, abs=0.05)
    assert strip_ranges(quiet, None) == list(quiet.ranges)
