"""Linear attenuation of cell materials, and one winding as a periodic layer profile.

Values are linear attenuation coefficients in 1/mm at an effective energy of 80 keV, about what a laboratory tube at
120-160 kV with a filter gives: mass attenuation after NIST XCOM (Fe 0.595, Cu 0.763, Ni 0.731, Al 0.202, C 0.161,
water 0.184 cm2/g) times the density of the part as built (a coating is porous). A cell's coatings vary around them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENERGY_KEV = 80
AIR = 0.0
ELECTROLYTE = 0.021
POLYMER = 0.018
GRAPHITE = 0.033
ALUMINIUM = 0.054
NMC = 0.160
LCO = 0.190
LFP = 0.085
STEEL = 0.468
NICKEL = 0.650
COPPER = 0.684
CATHODES = {"NMC": NMC, "LCO": LCO, "LFP": LFP}


@dataclass(frozen=True)
class Winding:
    """One period of the winding: separator, anode on both sides of its foil, separator, cathode on both sides of its
    foil.

    Attributes:
        pitch_mm: thickness of the whole period.
        anode, cathode, copper, aluminium: shares of the period; separators take the rest.
        anode_mu, cathode_mu: attenuation of the coatings, 1/mm.
        has_cathode: False in the zone where the anode stands out over the cathode (the overhang, near the lid).
    """

    pitch_mm: float
    anode: float
    cathode: float
    copper: float
    aluminium: float
    anode_mu: float
    cathode_mu: float
    has_cathode: bool = True

    def profile(self, pixel_mm: float, n: int = 1024) -> np.ndarray:
        """Attenuation over one period, (n,) 1/mm, blurred by a pixel against aliasing."""
        separator = (1 - self.anode - self.cathode - self.copper - self.aluminium) / 2
        cathode = (self.cathode_mu, ALUMINIUM) if self.has_cathode else (ELECTROLYTE, ELECTROLYTE)
        pile = (
            (separator, POLYMER),
            (self.anode / 2, self.anode_mu),
            (self.copper, COPPER),
            (self.anode / 2, self.anode_mu),
            (separator, POLYMER),
            (self.cathode / 2, cathode[0]),
            (self.aluminium, cathode[1]),
            (self.cathode / 2, cathode[0]),
        )
        edges = np.cumsum([share for share, _ in pile])
        values = np.array([mu for _, mu in pile])
        at = (np.arange(n) + 0.5) / n
        profile = values[np.minimum(np.searchsorted(edges, at), len(values) - 1)]
        width = pixel_mm / self.pitch_mm
        response = np.sinc(np.fft.rfftfreq(n, 1 / n) * width) * np.exp(
            -2 * (np.fft.rfftfreq(n, 1 / n) * width * 0.4) ** 2
        )
        return np.fft.irfft(np.fft.rfft(profile) * response, n).astype(np.float32)


def draw_winding(pitch_mm: float, generator: np.random.Generator) -> tuple[Winding, str]:
    """A winding of random chemistry and coating thickness, and the name of its cathode."""
    chemistry = str(generator.choice(list(CATHODES)))
    u = generator.uniform
    foil = np.clip(0.012 / pitch_mm, 0.02, 0.08)
    return (
        Winding(
            pitch_mm=pitch_mm,
            anode=u(0.30, 0.42),
            cathode=u(0.30, 0.44),
            copper=foil * u(0.7, 1.3),
            aluminium=foil * u(1.0, 1.8),
            anode_mu=GRAPHITE * u(0.85, 1.6),
            cathode_mu=CATHODES[chemistry] * u(0.75, 1.15),
            has_cathode=generator.random() > 0.15,
        ),
        chemistry,
    )
