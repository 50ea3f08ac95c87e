"""Maps of variants of a strip that differ from it in a short stretch: only what the stretch reaches is computed.

A convolution looks ``kernel // 2`` samples to each side, so what a changed stretch reaches grows by that much from
layer to layer, up to ``FAR``; all that lies further is the strip's own, which was computed once. The gates of the SE
blocks are the strip's, too: they follow means over a minute, which a part of a second changes by nothing that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from models.networks.blocks import as_rows, require_maps

if TYPE_CHECKING:
    from models.networks.ecg.beat_strip import BeatStripNet

FAR = 18
"""Map samples beyond which a change is not followed: it is worth less than 1e-4 of a logit there."""


@dataclass(frozen=True)
class Moved:
    """Variants of a strip around one beat, that differ from it between two places; what lies behind has moved.

    Places are map samples (half the strip's sampling frequency), beside the beat.

    Attributes:
        place: of the beat in each variant, (N,).
        start, stop: first place that differs, and the one past the last, in any of them.
        shift: by how much all behind ``stop`` lies further than in the strip, (N,).
        length: of the variants' maps, (N,).
    """

    place: tuple[int, ...]
    start: int
    stop: int
    shift: tuple[int, ...]
    length: tuple[int, ...]


@dataclass(frozen=True)
class StripLayers:
    """A strip as each convolution behind the stem reads it.

    Attributes:
        inputs: of each convolution, (n, C), from map sample ``first`` on, 0 beyond the strip: what lies around a beat.
        first: map sample.
        maps: of the whole strip, (1, L / 2, C).
        gates: of each block, (1, C).
    """

    inputs: tuple[torch.Tensor, ...]
    first: int
    maps: torch.Tensor
    gates: tuple[torch.Tensor, ...]


def read_layers(network: BeatStripNet, x: torch.Tensor, moved: Moved) -> StripLayers:
    """One strip (1, in_channel, L), read whole; its layers are kept where they lie beside ``moved``.

    Raises:
        ValueError: a shape that the network does not take.
    """
    require_maps(x, network.in_channel, 2)
    reach = max(after + reach for reach, _, after in _growth(network))
    first = min(moved.place) + moved.start - reach
    last = max(place - shift for place, shift in zip(moved.place, moved.shift, strict=True)) + moved.stop + reach
    maps, inputs, gates = network.stem(as_rows(x)), [], []
    for block in network.blocks:
        inner = torch.relu(block.norm1(block.conv1(maps)))
        branch = block.norm2(block.conv2(inner))
        # Copies: whole layers held for a while cost more than their arithmetic.
        inputs += [_kept(one, first, last) for one in (maps, inner)]
        gates.append(block.se.gate(branch))
        maps = torch.relu(branch * gates[-1][..., None, None] + maps)
    return StripLayers(tuple(inputs), first, _columns(maps), tuple(gates))


def samples_for(start: int, stop: int, network: BeatStripNet) -> tuple[int, int]:
    """First and past-the-last sample that map samples ``start`` to ``stop`` are made of by the stem."""
    reach = network.stem[0].kernel_size[1] // 2
    return 2 * start - reach, 2 * (stop - 1) + reach + 1


class VariantMaps:
    """Maps of variants of a strip around one beat.

    Args:
        network: reads strips.
        strip: what it made of the strip.
        moved: how N variants differ from it in time.
        x: samples of M variants of each, (M, N, in_channel, n), those that ``samples_for(start, stop)`` names; 0 beyond
            their ends.

    Attributes:
        maps: (M, N, n, C), of the places of :attr:`reached`.
        reached: first place beside the beat whose maps may differ from the strip's, and the one past the last.
    """

    def __init__(self, network: BeatStripNet, strip: StripLayers, moved: Moved, x: torch.Tensor):
        self._network, self._strip, self._moved = network, strip, moved
        # Where the stretch begins and ends among the strip's kept columns.
        place, shift = (torch.tensor(one)[:, None] for one in (moved.place, moved.shift))
        self._start, self._stop = place + moved.start - strip.first, place - shift + moved.stop - strip.first
        far = _growth(network)[-1][-1]
        self.reached = moved.start - far, moved.stop + far
        self.maps = self._through(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def shapes(self, beats: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
        """Shape tokens (M, N, K, token) of all beats; those of beats further away are the strip's.

        Args:
            beats: R peaks of the N, int64 (N, K), none padded.
            shape: tokens of the strip's beats, (K, token).
        """
        found = shape.repeat(*self.maps.shape[:2], 1, 1)
        for variant in range(len(beats)):
            near, around, places = self._around(variant, beats[variant])
            if len(near):
                tokens = self._network.beat_shapes(around, places.expand(len(around), -1))
                found[:, variant, near] = tokens.unflatten(0, (len(around), -1))
        return found

    def _around(self, variant: int, beats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Which beats the change reaches, maps (M, C, n) that they gather from, and where they lie in these."""
        network, moved, maps = self._network, self._moved, self.maps[:, variant]
        place, length, shift = moved.place[variant], moved.length[variant], moved.shift[variant]
        first, last = (place + one for one in self.reached)
        # A beat gathers from before it and behind it.
        before, after = -int(network.offsets[0]) + network.spacing, int(network.offsets[-1]) + network.spacing
        near = ((beats // 2 + after >= first) & (beats // 2 - before < last)).nonzero()[:, 0]
        begin, end = max(first - before - after, 0), min(last + before + after, length)
        whole = self._strip.maps
        pieces = [
            whole[:, begin : max(first, begin)].expand(len(maps), -1, -1),
            maps[:, max(begin - first, 0) : maps.shape[1] - max(last - end, 0)],
            whole[:, last - shift : max(end, last) - shift].expand(len(maps), -1, -1),
        ]
        return near, torch.cat(pieces, dim=1).transpose(1, 2), beats[near] - 2 * begin

    def _through(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (M N, n, C) of samples (M N, in_channel, n)."""
        conv, norm, act = self._network.stem
        stretch = act(norm(functional.conv2d(as_rows(x), conv.weight, conv.bias, conv.stride)))
        stretch = outer = self._within(stretch, self._moved.start)
        for number, (reach, before, after) in enumerate(_growth(self._network)):
            block, second = self._network.blocks[number // 2], number % 2
            conv, norm = (block.conv2, block.norm2) if second else (block.conv1, block.norm1)
            left, right = self._beside(number, before, reach + after - before, len(x))
            wide = _rows(torch.cat([left, _columns(stretch), right], dim=1))
            stretch = norm(functional.conv2d(wide, conv.weight, conv.bias))
            if second:
                beyond = (outer.shape[-1] - stretch.shape[-1]) // 2
                gate = self._strip.gates[number // 2][..., None, None]
                stretch = stretch * gate + outer[..., beyond : beyond + stretch.shape[-1]]
            else:
                outer = wide
            stretch = self._within(stretch.relu_(), self._moved.start - after)
        return _columns(stretch)

    def _within(self, stretch: torch.Tensor, start: int) -> torch.Tensor:
        """Zero beyond the ends of the variants, as a convolution pads them."""
        places, lengths = self._moved.place, self._moved.length
        room = min(length - place for length, place in zip(lengths, places, strict=True))
        if min(places) + start >= 0 and start + stretch.shape[-1] <= room:
            return stretch
        column = torch.tensor(places)[:, None] + start + torch.arange(stretch.shape[-1])
        inside = ((column >= 0) & (column < torch.tensor(lengths)[:, None])).to(stretch.dtype)
        return stretch * inside.repeat(len(stretch) // len(inside), 1)[:, None, None]

    def _beside(self, layer: int, grown: int, m: int, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The strip's ``m`` columns before and behind the stretch that has ``grown`` so far, (rows, m, C) each."""
        beside = torch.arange(-m, m)
        column = torch.where(beside < 0, self._start - grown, self._stop + grown) + beside
        both = self._strip.inputs[layer][column].repeat(rows // len(column), 1, 1)
        return both[:, :m], both[:, m:]


def _growth(network: BeatStripNet) -> list[tuple[int, int, int]]:
    """Of each convolution of the blocks: half its kernel, and how far a change reaches before it and behind it."""
    found, grown = [], 0
    for block in network.blocks:
        for conv in (block.conv1, block.conv2):
            reach, before = conv.kernel_size[1] // 2, grown
            grown = min(grown + reach, FAR)
            found.append((reach, before, grown))
    return found


def _kept(rows: torch.Tensor, first: int, last: int) -> torch.Tensor:
    """Columns ``first`` to ``last`` of (1, C, 1, n) as (last - first, C), 0 beyond its ends."""
    columns = _columns(rows)[0]
    low, high = (min(max(one, 0), len(columns)) for one in (first, last))
    return functional.pad(columns[low:high], (0, 0, low - first, last - high)).contiguous()


def _columns(rows: torch.Tensor) -> torch.Tensor:
    """(N, C, 1, n), channels last, as (N, n, C)."""
    return rows.squeeze(2).transpose(1, 2)


def _rows(columns: torch.Tensor) -> torch.Tensor:
    """(N, n, C) as (N, C, 1, n), channels last."""
    return columns.transpose(1, 2).unsqueeze(2)
