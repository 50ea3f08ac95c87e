"""Reads the processor, memory and GPU load of a training's process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Load:
    """One reading of the load.

    Attributes:
        cores: processor cores in use since the reading before; None at the first.
        of_cores: how many the machine has.
        memory_bytes: memory of the process and those that it started.
        of_memory_bytes: memory of the machine.
        gpu: share of the time that its GPU was at work, 0 to 1; None without one, or where nobody can tell.
    """

    cores: float | None
    of_cores: int
    memory_bytes: int
    of_memory_bytes: int
    gpu: float | None = None


class Meter:
    """Measures the load of one process; keep one instance, since CPU load is the change between readings.

    Args:
        pid: of the process.
        device: where it trains.
    """

    def __init__(self, pid: int, device: str):
        self.device = device
        self._known: dict[int, psutil.Process] = {}
        self._pid = pid

    def read(self) -> Load | None:
        """The current load; None when the process is gone."""
        try:
            head = psutil.Process(self._pid)
            family = [head, *head.children(recursive=True)]
        except psutil.Error:
            return None
        fresh = head.pid not in self._known
        self._known = {one.pid: self._known.get(one.pid, one) for one in family}
        cores, memory = 0.0, 0
        for one in self._known.values():
            with contextlib.suppress(psutil.Error):
                cores += one.cpu_percent(None) / 100
                memory += one.memory_info().rss
        return Load(
            None if fresh else cores, psutil.cpu_count() or 1, memory, psutil.virtual_memory().total, self._gpu()
        )

    def _gpu(self) -> float | None:
        kind, _, number = self.device.partition(":")
        if kind != "cuda":
            return None
        import torch

        try:
            return float(torch.cuda.utilization(int(number or 0))) / 100
        except Exception:  # noqa: BLE001 (the driver's library is missing, or does not know)
            return None
