"""Text exports of watches, straps, amplifiers and laboratory software, built as these write them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import open_recording

N, FS = 3000, 250
START = datetime(2022, 5, 3, 10, 30, 30)


def ecg(n: int = N, fs: float = FS, seed: int = 0) -> np.ndarray:
    """A drawn lead in mV with some noise, rounded to 0.1 uV."""
    time, lead = np.arange(n) / fs, np.zeros(n)
    for beat in np.arange(0.5, n / fs, 0.8):
        for centre, width, height in ((-0.17, 0.024, 0.13), (0, 0.01, 1.05), (0.027, 0.01, -0.18), (0.26, 0.05, 0.28)):
            lead += height * np.exp(-0.5 * ((time - beat - centre) / width) ** 2)
    return np.round(lead + 0.01 * np.random.default_rng(seed).standard_normal(n), 4)


E = ecg()


@dataclass
class Export:
    """A file and what is in it; ``signal`` in mV is that of the lead ``lead``, the first by default."""

    lines: list[str]
    fs: float = FS
    leads: tuple[str, ...] | None = ("ECG",)
    asked: dict = field(default_factory=dict)
    signal: np.ndarray = field(default_factory=lambda: E)
    gap: tuple[int, int] | None = None
    words: str = ""
    encoding: str = "utf-8"
    lead: int = 0


def rows(row, n: int = N) -> list[str]:
    return [row(i) for i in range(n)]


def at(i: int, fs: float = FS) -> datetime:
    return START + timedelta(seconds=i / fs)


def commas(lines: list[str]) -> list[str]:
    return [line.replace(".", ",") for line in lines]


KEYS = {
    "English": "Name,Date of Birth,Recorded Date,Classification,Symptoms,Software Version,Device,Sample Rate,Lead,Unit",
    "German": "Name,Geburtsdatum,Aufgezeichnet,Klassifizierung,Symptome,Version,Gerät,Messrate,Ableitung,Einheit",
    "Portuguese": "Nome,Nascimento,Data,Classificação,Sintomas,Versão,Relógio,Taxa de amostragem,Derivação,Unidade",
    "French": "Nom,Naissance,Le,Classification,Symptômes,Version,Appareil,Fréquence d’échantillonnage,Dérivation,Unité",
    "Spanish": "Nombre,Nacimiento,Fecha,Tipo,Síntomas,Versión,Dispositivo,Frecuencia de muestreo,Derivación,Unidad",
    "Korean": "이름,생년월일,기록 날짜,분류,증상,소프트웨어 버전,기기,샘플률,리드,단위",
    "Japanese": "名前,生年月日,記録日,分類,症状,ソフトウェアバージョン,デバイス,サンプルレート,リード,単位",
    "Italian": "Nome,Nascita,Registrato,Classificazione,Sintomi,Versione,Dispositivo,Frequenza,Derivazione,Unità",
}
RATES = {"Korean": "512헤르츠", "Japanese": "512ヘルツ", "German": "511,422 Hertz", "French": "511.562\u00a0hertz",
         "Spanish": "512 hercios"}  # fmt: skip
WATCH = ecg(5120, 512)


def watch(language: str, decimal: str, unit: str = "µV") -> Export:
    """The CSV of Apple's Health: trailing zeros are left out, so that some lines have no decimal mark."""
    keys, rate = KEYS[language].split(","), RATES.get(language, "512 hertz")
    values = ("Test Person", '"4 Jan 1992"', "2026-08-26 18:15:35 +0100", "Sinus Rhythm", "", "1.90", '"Watch7,11"')
    numbers = [f"{1000 * value:.3f}".rstrip("0").rstrip(".").replace(".", decimal) for value in WATCH]
    head = [f"{key},{value}" for key, value in zip(keys, values, strict=False)]
    lead = [f"{keys[7]},{rate}", "", "", f"{keys[8]},{keys[8]} I", f"{keys[9]},{unit}", ""]
    fs = float(rate.split("\u00a0")[0].split(" ")[0].rstrip("헤르츠ヘルツ").replace(",", "."))
    return Export([*head, *lead, *numbers], fs, ("I",), signal=WATCH)


POLAR = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]"
SHIMMER = ('"sep=\t"', "Shimmer_B64E_Timestamp_FormattedUnix_CAL\tShimmer_B64E_ECG_LL-RA_24BIT_CAL\t")
SHIMMER_ALL = (
    "Shimmer_FC32_TimestampSync_FormattedUnix_CAL\tShimmer_FC32_GSR_Skin_Conductance_CAL\tShimmer_ECG_LL-RA_24BIT_CAL",
    "yyyy/mm/dd hh:mm:ss.000\tuS\tmV",
)
GANGLION = (
    *("%OpenBCI Raw EXG Data", "%Number of channels = 2", "%Sample Rate = 200 Hz"),
    "Sample Index, EXG Channel 0, EXG Channel 1, Accel Channel 0, Other, Timestamp, Other, Timestamp (Formatted)",
)


def slashes(i: int) -> str:
    return at(i).strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]


def labchart(serial: float, first: int, last: int, *, timed: bool = True, text: str = "") -> list[str]:
    """A block of LabChart's export, whose times begin at 0."""
    return [
        *("Interval=\t0.004 s", f"ExcelDateTime=\t{serial!r}\t{text}", "TimeFormat=\tStartOfBlock", "DateFormat=\t"),
        *("ChannelTitle=\tECG\tArterial", "Range=\t10.000 mV\t10.000 V", "UnitName=\t*\tmmHg", "TopValue=\t*\t180.8"),
        *rows(lambda i: f"{i / FS:g}\t" * timed + f"{E[first + i]}\t{100 + i % 40}", last - first),
    ]


def acqknowledge(*head: str, row) -> list[str]:
    return ["rec.acq", "4 msec/sample", "2 channels", "ECG - ECG100C", "mV", "Force", "kg", *head, *rows(row)]


NS = 165 * 10**16
DAY = 44684.437847222222
EXPORTS = {
    "Polar Sensor Logger": Export(
        [
            POLAR,
            *rows(
                lambda i: (
                    f"{at(i, 130):%Y-%m-%dT%H:%M:%S.%f};{599616050941733632 + i * 10**9 // 130};"
                    f"{i * 1000 / 130:.1f};{round(E[i] * 1000)}"
                )
            ),
        ],
        130,
        leads=("ecg",),
    ),
    "Polar, a phone's time for each packet": Export(
        ["Phone timestamp;ecg [uV]", *rows(lambda i: f"{at(i // 73 * 73, 130).isoformat()};{round(E[i] * 1000)}")],
        130,
        ("ecg",),
    ),
    "script for a strap, rows stamped as they come": Export(
        ["timestamp,ecg_uv", *rows(lambda i: f"{1.65e9 + i // 73 * 73 / 130 + i % 73 * 3e-6:.6f},{E[i] * 1000:.0f}")],
        130,
        ("ecg",),
    ),
    "ECGLogger": Export(
        [
            "time,ecg,hr,rr",
            *rows(lambda i: f"{NS + i * 10**9 // 130},{E[i] * 1000:.0f},{',' if i % 130 else '72,833'}"),
        ],
        130,
        None,
        {"unit": "uV"},
    ),
    "Shimmer": Export(
        [*SHIMMER, "yyyy/mm/dd hh:mm:ss.000\tmV\t", *rows(lambda i: f"{slashes(i)}\t{E[i]}\t")],
        leads=("Shimmer_B64E_ECG_LL-RA_24BIT_CAL",),
    ),
    "Shimmer with microsiemens": Export(
        ["sep=\t", *SHIMMER_ALL, *rows(lambda i: f"{slashes(i)}\t{2 + i / 1000:.3f}\t{E[i]}")],
        leads=("Shimmer_ECG_LL-RA_24BIT_CAL",),
    ),
    "OpenBCI, raw": Export(
        [
            *GANGLION,
            *rows(lambda i: f"{i % 200}, {E[i] * 1000:.2f}, 0.0, 0.0, 0.0, {1.65e9 + i / 200:.6f}, 0.0, {at(i, 200)}"),
        ],
        200,
        None,
        {"unit": "uV"},
    ),
    "OpenBCI, BrainFlow's csv": Export(
        rows(lambda i: "\t".join(map(str, [i % 256, *[f"{E[i] * 1000:.4f}"] * 4, 0.0, 192.0, 1.65e9 + i / 250, 0.0]))),
        leads=None,
        asked={"unit": "uV"},
    ),
    "Empatica": Export(["1544027337.000000", "64.000000", *map(str, E)], 64, asked={"unit": "mV"}),
    "Empatica, three columns": Export(
        ["1544027337.0, 1544027337.0, 1544027337.0", "32.0, 32.0, 32.0", *rows(lambda i: f"{E[i]},{E[i] / 2},{-E[i]}")],
        32,
        None,
        {"unit": "mV"},
    ),
    "LabChart": Export(labchart(DAY, 0, N)),
    "LabChart, two blocks": Export(
        labchart(DAY, 0, 1500) + labchart(DAY + 10 / 86400, 1500, N), gap=(1500, 1000), words="1 gap, 4.0 s"
    ),
    "LabChart, date as text": Export(
        labchart(44684.4, 0, 1500, text="5/3/2022 10:30:30.000")
        + labchart(44684.4, 1500, N, text="5/3/2022 10:30:40.000"),
        gap=(1500, 1000),
        words="1 gap,",
    ),
    "LabChart, blocks without times": Export(
        labchart(DAY, 0, 1500, timed=False) + labchart(DAY, 1500, N, timed=False), words="2 blocks"
    ),
    "AcqKnowledge, minutes": Export(
        acqknowledge("min\tCH1\tCH2\t", f"\t{N}\t{N}\t", row=lambda i: f"{i / FS / 60:.8f}\t{E[i]}\t{i % 9}\t"),
        leads=None,
    ),
    "AcqKnowledge without times": Export(
        acqknowledge("CH1\tCH2\t", f"{N}\t{N}\t", row=lambda i: f"{E[i]}\t{i % 9}\t"), leads=None
    ),
    "AcqKnowledge, commas": Export(
        acqknowledge("milliSec,CH1,CH2,", f",{N},{N},", row=lambda i: f"{4 * i},{E[i]},{i % 9},"), leads=None
    ),
    "Vernier": Export(
        ['"Vernier Format 2"', "Run 1", "Time\tECG", "t\tV", "s\tmV", "", *rows(lambda i: f"{i / FS}\t{E[i]}")],
        leads=None,
    ),
    "Hexoskin": Export(["time [s/256],ECG_I [mV]", *rows(lambda i: f"{i},{E[i]}")], 256, ("I",)),
    "Arduino's serial monitor": Export(
        rows(lambda i: f"{at(i, 200):%H:%M:%S.%f}"[:-3] + f" -> {E[i]}"), 200, asked={"unit": "mV"}
    ),
    "samples a second": Export(["Holter", "Samples/sec: 180", "", *map(str, E)], 180, asked={"unit": "mV"}),
    "PicoScope": Export(["Time,ECG", "(ms),(mV)", "", *rows(lambda i: f"{4 * i:.8f},{E[i]}")]),
    "BioSPPy": Export(
        ["# Simple Text Format", "# Sampling Rate (Hz):= 250.00", "# Labels:= ECG", *map(str, E)], asked={"unit": "mV"}
    ),
    "Faros": Export(
        ["# eMotion Faros", "# Sampling rate: 250", "# Unit: uV", "ECG", *rows(lambda i: f"{E[i] * 1000:.0f}")]
    ),
    "seconds and milliseconds apart": Export(
        ["sec,ms,ECG", *rows(lambda i: f"{i // 250},{4 * i % 1000},{E[i]}")], asked={"unit": "mV"}
    ),
    "times in the last column": Export(
        ["ECG (mV),event,time_s", *rows(lambda i: f"{E[i]},0,{i / FS:.3f}")], leads=None
    ),
    "times in a middle column without a header": Export(
        rows(lambda i: f"{E[i]},{i / FS:.3f},{E[i] / 2:.4f}"), leads=("lead 1", "lead 2"), asked={"unit": "mV"}
    ),
    "time deltas of pandas": Export(
        ["time,ECG (mV)", *rows(lambda i: f"0 days {datetime(1, 1, 1) + timedelta(seconds=i / FS):%H:%M:%S.%f},{E[i]}")]
    ),
    "dates without a fraction on the second": Export(["t,ECG (mV)", *rows(lambda i: f"{at(i).isoformat()},{E[i]}")]),
    "dates of Excel, decimal commas": Export(
        ["Datum;ECG (mV)", *commas(rows(lambda i: f"{DAY + i / FS / 86400:.9f};{E[i]}"))]
    ),
    "MATLAB's datenum": Export(["datenum,ECG (mV)", *rows(lambda i: f"{738644.4378 + i / FS / 86400:.10f},{E[i]}")]),
    "typesetter's minus": Export(["t (s),ECG (mV)", *rows(lambda i: f"{i / FS},{E[i]}".replace("-", "\u2212"))]),
    "UTF-16 without its mark": Export(
        ["Zeit [s]\tECG [mV]", *rows(lambda i: f"{i / FS}\t{E[i]}")], encoding="utf-16-le"
    ),
    "counter that starts again": Export(
        ["n,ECG", *rows(lambda i: f"{i % 256},{E[i]}")], asked={"fs": FS, "unit": "mV"}
    ),
    "counter with lost rows": Export(
        ["n,ECG", *rows(lambda i: f"{i + 50 * (i >= 1500)},{E[i]}")],
        asked={"fs": FS, "unit": "mV"},
        gap=(1500, 50),
        words="1 gap, 0.2 s",
    ),
    **{
        f"times called {name}": Export(["sep=,", f"{name},ECG (mV)", *rows(lambda i: f"{i / FS},{E[i]}")])
        for name in ("x", "foo", "Time_sec", "时间", "czas", "Relative Time")
    },
}
EXPORTS |= {f"Apple, {language} {mark}": watch(language, mark) for language in KEYS for mark in ".,"}
EXPORTS["Apple, mV"] = replace(watch("English", ".", "mV"), signal=WATCH * 1000)


def _open(tmp_path, export: Export, **more):
    path = tmp_path / "a.csv"
    path.write_bytes(("\n".join(export.lines) + "\n").encode(export.encoding))
    return open_recording(path, **export.asked | more)


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize("given", [False, True])
def test_exports(tmp_path, kind, given):
    export = EXPORTS[kind]
    recording = _open(tmp_path, export, **{"fs": export.fs} if given else {})
    assert recording.fs == pytest.approx(export.fs, rel=2e-4)
    assert export.leads is None or recording.leads == export.leads
    expected = export.signal
    if export.gap is not None:
        row, length = export.gap
        expected = np.insert(expected, row, [np.nan] * length)
    lead = recording.signal_mV()[:, export.lead]
    assert len(lead) == len(expected)
    np.testing.assert_allclose(lead, expected, atol=6e-4)
    assert export.words in " ".join(recording.warnings)
    assert not any("which is used" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize("suffix", ["given", "stated"])
def test_a_sampling_frequency_that_the_times_contradict_is_told(tmp_path, suffix):
    head = ["# fs: 300 Hz"] if suffix == "stated" else []
    export = Export([*head, "time,II (mV)", *rows(lambda i: f"{(i + 750 * (i >= 1500)) / FS:.3f},{E[i]}")])
    recording = _open(tmp_path, export, **{} if head else {"fs": 300.0})
    assert recording.fs == 300
    assert recording.n_samples == N + 900  # three seconds are missing, at whatever frequency
    assert any("300 Hz" in sentence and "its times say 250 Hz" in sentence for sentence in recording.warnings)


def test_a_given_frequency_that_the_preface_contradicts_is_told(tmp_path):
    recording = _open(tmp_path, Export(["# fs: 250 Hz", "II (mV)", *map(str, E)]), fs=500.0)
    assert (recording.fs, recording.n_samples) == (500, N)
    assert "a.csv states 250 Hz; the given 500 Hz is used." in recording.warnings


def test_commas_of_two_meanings_are_refused(tmp_path):
    lines = [f"{line.replace(';', ',')}" for line in commas(rows(lambda i: f"{i / FS:.3f};{E[i]:.4f}"))]
    with pytest.raises(
        ReadError, match="decimal commas, and commas stand between them, too; export it with semicolons"
    ):
        _open(tmp_path, Export(["t,ECG (mV)", *lines]))


def test_numbers_behind_an_arrow_have_no_decimal_commas(tmp_path):
    lines = rows(lambda i: f"{at(i, 200):%H:%M:%S.%f}"[:-3] + f" -> {512 + 200 * E[i]:.0f},{i % 9}")
    with pytest.raises(ReadError, match="decimal commas, and commas stand between them"):
        _open(tmp_path, Export(lines), unit="unknown")


def test_times_that_start_again_need_a_frequency(tmp_path):
    export = Export(["time,II (mV)", *rows(lambda i: f"{i % 1500 / FS},{E[i]}")])
    with pytest.raises(ReadError, match="run backwards at row 1501; correct it, or give the sampling frequency"):
        _open(tmp_path, export)
    recording = _open(tmp_path, export, fs=FS)
    assert recording.n_samples == N
    assert "one after the other" in recording.warnings[0]


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        *((name, "uV") for name in ("ECG [uV]", "ecg_uV", "ECG(uV)", "ECG (µV)", "II_uV", "ECG (microvolts)")),
        *((name, "mV") for name in ("EKG/mV", "ECG_mv", "ECG in mV", "ecg.mV", "ECG-mV", "ecg (millivolts)")),
        *(("ECG [V]", "V"), ("ECG [nV]", "nV")),
    ],
)  # fmt: skip
def test_units_in_header_cells(tmp_path, header, unit):
    factor = {"uV": 1e3, "mV": 1.0, "V": 1e-3, "nV": 1e6}[unit]
    recording = _open(tmp_path, Export([f"time (s),{header}", *rows(lambda i: f"{i / FS},{E[i] * factor:.8g}")]))
    assert recording.units == ("mV",)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], E, atol=1e-6)


@pytest.mark.parametrize("header", ["ECG (ADC counts)", "ECG [adc]", "ecg (a.u.)", "ECG (counts)", "ECG (LSB)"])
def test_counts_of_a_converter_are_no_millivolts(tmp_path, header):
    export = Export([f"time (s),{header}", *rows(lambda i: f"{i / FS},{512 + 200 * E[i]:.0f}")])
    recording = _open(tmp_path, export)
    assert recording.units == ("unknown",)
    assert "is not known" in recording.warnings[0]
