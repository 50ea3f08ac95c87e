"""A network that reads a strip once and classifies every beat in it with its neighbours in view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import Gates, RowConv, SEBasicBlock, as_rows, gates_of, require_maps
from models.networks.ecg.base import BeatNetwork
from models.networks.registry import register_model

RHYTHM_FEATURES = 9


@register_model("beat_strip", task="strip")
class BeatStripNet(BeatNetwork):
    """Reads a strip once: SE-residual maps, gathered around each R peak, a bidirectional LSTM over the beats.

    The maps lie at half the sampling frequency (60 Hz for 120 Hz input): a P wave of 80 ms covers five samples.
    Around each R peak the maps are gathered every ``spacing`` samples and become the beat's shape. A beat's token is
    made of its shape and nine features of the rhythm that follow from the beats' positions alone; the tokens are read
    in order. With ``contrast`` a token also holds by how much the shape differs from the mean one of the strip: wide
    beats are the rule in one patient and the exception in another.

    With ``rhythm_classes`` it also names the rhythm that each beat lies in (:meth:`forward_both`), from the same tokens
    and their mean over the strip. What it knows of rhythms can be learnt from beat positions alone
    (:meth:`forward_positions`): a learned vector stands for the shape that is not there.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs for each beat.
        rhythm_classes: names of the rhythms that it tells of each beat; none by default.
        contrast: tokens hold the difference of the shape to the strip's mean.
        width: channels of the maps.
        depth: SE-residual blocks.
        token: size of a beat's token.
        lstm_hidden: hidden size of each direction.
        lstm_layers: layers of the LSTM.
        before: map samples from the first gathered place to the R peak.
        after: map samples from the R peak to the last.
        spacing: map samples from one gathered place to the next, over which they are averaged; odd.
        dropout: of tokens and of the LSTM's output.
        rhythm_jitter: SD of the beats' positions, in input samples, that the rhythm is told of in training: a coarse
            rhythm is not leant on where the shape should decide.

    Raises:
        ValueError: an even spacing.
    """

    def __init__(
        self,
        in_channel: int = 2,
        num_classes: int = 5,
        width: int = 48,
        depth: int = 4,
        token: int = 64,
        lstm_hidden: int = 64,
        lstm_layers: int = 1,
        before: int = 24,
        after: int = 24,
        spacing: int = 3,
        dropout: float = 0.2,
        rhythm_jitter: float = 5.0,
        rhythm_classes: Sequence[str] = (),
        contrast: bool = False,
    ):
        super().__init__()
        if spacing % 2 == 0:
            raise ValueError(f"spacing must be odd, so that it has a middle; got {spacing}")
        self.in_channel = in_channel
        self.stem = nn.Sequential(
            RowConv(in_channel, width, 11, stride=2, padding=5, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.blocks = nn.Sequential()
        for block in range(depth):
            self.blocks.add_module(f"block{block}", SEBasicBlock(width, width, kernel_size=7, rows=True))
        self.spacing = spacing
        self.register_buffer("offsets", torch.arange(-before, after + 1, spacing), persistent=False)
        self.shape = nn.Sequential(nn.Linear(width * len(self.offsets), token), nn.ReLU(), nn.Dropout(dropout))
        self.rhythm_jitter = rhythm_jitter
        self.contrast = contrast
        shape_size = 2 * token if contrast else token
        self.token = nn.Sequential(nn.Linear(shape_size + RHYTHM_FEATURES, token), nn.ReLU(), nn.Dropout(dropout))
        self.lstm = nn.LSTM(
            token,
            lstm_hidden,
            lstm_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if lstm_layers > 1 else 0,
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * lstm_hidden + token, num_classes)
        self.rhythm_classes = tuple(rhythm_classes)
        if self.rhythm_classes:
            self.rhythm_classifier = nn.Linear(2 * (2 * lstm_hidden + token), len(self.rhythm_classes))
            self.no_shape = nn.Parameter(torch.zeros(shape_size))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, width, L / 2)."""
        require_maps(x, self.in_channel, 2)
        return self.blocks(self.stem(as_rows(x))).squeeze(2)

    def se_gates(self, x: torch.Tensor) -> Gates:
        """Gates of each SE block, {name: (B, C)}; the last belongs to the channels of the maps."""
        return gates_of(self.blocks, self.stem(as_rows(x)))[1]

    def beat_shapes(self, maps: torch.Tensor, beats: torch.Tensor) -> torch.Tensor:
        """Shape tokens of the beats (B, K) that are not padding, (n, token), before contrast with the strip."""
        return self.shape(self._gather(maps, beats, beats >= 0))

    def forward_beat(self, shape: torch.Tensor, beats: torch.Tensor, slot: int) -> torch.Tensor:
        """Logits (M, N, num_classes) of one beat of each strip, as the whole forward pass gives them, from the shapes
        of all beats; without padding and gradients.

        Args:
            shape: as :meth:`beat_shapes` gives it, of M variants of N strips, (M, N, K, token).
            beats: R peaks of the N, (N, K).
            slot: which of them.
        """
        rhythm = rhythm_features(beats.float(), torch.ones_like(beats, dtype=torch.bool))
        pieces = [shape, shape - shape.mean(dim=2, keepdim=True)] if self.contrast else [shape]
        tokens = self.token(torch.cat([*pieces, rhythm.expand(len(shape), -1, -1, -1)], dim=-1)).flatten(0, 1)
        if self.lstm.num_layers > 1:
            context = self.lstm(tokens)[0][:, slot]
        else:
            # Each direction is read to the beat and no further.
            weights = [getattr(self.lstm, name) for name, _ in self.lstm.named_parameters()]
            half = len(weights) // 2
            sides = (tokens[:, : slot + 1], weights[:half]), (tokens[:, slot:].flip(1), weights[half:])
            context = torch.cat([_last_output(self.lstm, *side) for side in sides], dim=-1)
        return self.classifier(torch.cat([context, tokens[:, slot]], dim=-1)).unflatten(0, shape.shape[:2])

    def forward_embedding(self, maps: torch.Tensor, beats: torch.Tensor) -> torch.Tensor:
        """Embedding of every beat, (B, K, D).

        Args:
            maps: (B, width, L').
            beats: R peaks as sample numbers of the input, int64 (B, K), ascending, -1 where padded at the end.
        """
        there = beats >= 0
        shape = self.beat_shapes(maps, beats)
        return self._read(self._contrasted(shape, there), beats, there)

    def forward_both(self, maps: torch.Tensor, beats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of every beat, (B, K, num_classes), and of its rhythm, (B, K, n_rhythms).

        Arguments as in :meth:`forward_embedding`.
        """
        return self._outputs(self.forward_embedding(maps, beats), beats)

    def forward_positions(self, beats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`forward_both`, from beat positions alone, without signal."""
        there = beats >= 0
        return self._outputs(self._read(self.no_shape.expand(int(there.sum()), -1), beats, there), beats)

    def _contrasted(self, shape: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Shapes (n, S) of the beats; with ``contrast`` also their difference from the strip's mean shape."""
        if not self.contrast:
            return shape
        row = torch.arange(there.shape[0], device=there.device)[:, None].expand_as(there)[there]
        total = shape.new_zeros(there.shape[0], shape.shape[1]).index_add(0, row, shape)
        mean = total / there.sum(dim=1, keepdim=True).clamp(min=1).to(shape.dtype)
        return torch.cat([shape, shape - mean[row]], dim=-1)

    def _outputs(self, embedding: torch.Tensor, beats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        there = (beats >= 0)[..., None].to(embedding.dtype)
        mean = (embedding * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True).clamp(min=1)
        rhythm = torch.cat([embedding, mean.expand_as(embedding)], dim=-1)
        return self.classifier(embedding), self.rhythm_classifier(rhythm)

    def _read(self, shape: torch.Tensor, beats: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Embedding (B, K, D) of beats from their shapes (n, S), in the order of ``beats[there]``."""
        # In single precision whatever autocast does: bfloat16 cannot hold a position in a strip.
        position = beats.float()
        if self.training:
            position = position + self.rhythm_jitter * torch.randn_like(position)
        rhythm = rhythm_features(position, there)[there]
        read = self.token(torch.cat([shape, rhythm.to(shape.dtype)], dim=-1))
        tokens = read.new_zeros(*beats.shape, read.shape[-1])
        tokens[there] = read
        context = self._context(tokens, there.sum(dim=1).clamp(min=1).cpu())
        return torch.cat([self.dropout(context), tokens], dim=-1)

    def _context(self, tokens: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        """LSTM output for the first ``count`` (B,) tokens (B, K, T) of each strip, zero behind them, (B, K, D)."""
        if tokens.device.type == "cpu" and not torch.is_grad_enabled():
            if bool((count == tokens.shape[1]).all()):
                return self.lstm(tokens)[0]
            # A CPU takes three times as long for packed strips of unlike counts as for one after another.
            read = [self.lstm(row[None, :n])[0][0] for row, n in zip(tokens, count.tolist(), strict=True)]
            return torch.stack([nn.functional.pad(row, (0, 0, 0, tokens.shape[1] - len(row))) for row in read])
        packed = nn.utils.rnn.pack_padded_sequence(tokens, count, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])[0]

    def _gather(self, maps: torch.Tensor, beats: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Maps at the positions around each beat, zero beyond the strip, (n, width x places)."""
        length = maps.shape[2]
        # Averaged over the spacing: each map sample counts, so a map of saliency is no comb of the gathered places.
        maps = nn.functional.avg_pool1d(maps, self.spacing, 1, self.spacing // 2, count_include_pad=False)
        place = torch.div(beats[there], 2, rounding_mode="floor")[:, None] + self.offsets
        inside = (place >= 0) & (place < length)
        row = torch.arange(beats.shape[0], device=maps.device)[:, None].expand_as(beats)[there]
        flat = row[:, None] * length + place.clamp(0, length - 1)
        gathered = maps.transpose(1, 2).reshape(-1, maps.shape[1])[flat]
        return (gathered * inside[..., None]).flatten(1)


def _last_output(lstm: nn.LSTM, tokens: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
    """What one direction of a layer says at its last token, (B, hidden), of tokens (B, K, T) in its order."""
    state = tokens.new_zeros(1, len(tokens), lstm.hidden_size)
    return torch.lstm(tokens, (state, state), weights, lstm.bias, 1, 0.0, False, False, True)[0][:, -1]


def rhythm_features(beats: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Nine rhythm features per beat, (B, K, 9), independent of the sampling frequency.

    Logarithms of: RR before and RR after / mean RR of the strip, RR before / RR after, RR before / the RR before it,
    RR after / the RR after it, RR before / the strip's long RR (90th percentile: where premature beats are the rule,
    the mean says nothing), and the strip's mean / long RR; then whether a beat before and a beat after are in view.

    Args:
        beats: positions (B, K), ascending where ``there``.
        there: which are beats, bool (B, K).
    """
    gap = (beats[:, 1:] - beats[:, :-1]).clamp(min=1.0)
    known = there[:, 1:] & there[:, :-1]
    count = known.sum(dim=1, keepdim=True)
    mean = ((gap * known).sum(dim=1, keepdim=True) / count.clamp(min=1)).clamp(min=1.0)
    place = (0.9 * (count - 1).clamp(min=0)).round().long()
    if gap.shape[1]:
        ordered = torch.where(known, gap, torch.full_like(gap, torch.inf)).sort(dim=1).values
        long = torch.where(count > 0, ordered.gather(1, place), mean)
    else:
        long = mean
    log_gap = torch.where(known, torch.log(gap / mean).clamp(-2.0, 2.0), torch.zeros_like(gap))
    log_long = torch.log(long / mean).clamp(-2.0, 2.0)

    def shifted(before: int, after: int) -> torch.Tensor:
        return nn.functional.pad(log_gap, (before, after))

    previous, following = shifted(1, 0), shifted(0, 1)
    earlier, later = shifted(2, 0)[:, :-1], shifted(0, 2)[:, 1:]
    seen = known.to(beats.dtype)
    before_seen = nn.functional.pad(seen, (1, 0))
    return torch.stack(
        [
            previous,
            following,
            previous - following,
            previous - earlier,
            following - later,
            (previous - log_long) * before_seen,
            -log_long.expand_as(previous),
            before_seen,
            nn.functional.pad(seen, (0, 1)),
        ],
        dim=-1,
    )
