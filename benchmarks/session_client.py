"""A browser's tab as the server sees it: Streamlit's protocol over a websocket, without a browser.

A :class:`Tab` does what Streamlit's frontend does: it says where it is, sends the presses of buttons, calls again for
the parts of a page that draw themselves every so often, holds large messages to be referred to, and follows the address
that the server writes. It draws nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg, RunIdentity
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent
START_S = 90.0
STOP_S = 30.0
QUIET_S = 3.0
"""A run of which nothing has come for so long has ended: Streamlit loses the message of the end where the call of a
timer arrives in that moment (its issue 9921)."""
_RELOAD = "window.location.reload()"


class Tab:
    """One session. Use it with ``async with``.

    Attributes:
        elements: what stands on the page, by the place where it stands; protobuf ``Element``s.
        exceptions: sentences of all exceptions that the page has shown.
        finished: runs of the whole script that have ended.
        page_script_hash: Streamlit's name of the page that was drawn last.
        timers: by fragment, what calls for it every so often.
        auto_reruns: how often parts of the page were called for by their timers.
    """

    def __init__(self, url: str, page: str = "", query: str = ""):
        self.url, self.page, self.query = url, page, query
        self.elements: dict[tuple[int, ...], object] = {}
        self.exceptions: list[str] = []
        self.finished = 0
        self.auto_reruns = 0
        self._kept: dict[str, ForwardMsg] = {}
        self._runs: dict[tuple[int, ...], tuple[str, str]] = {}
        self.timers: dict[str, asyncio.Task] = {}
        self._run, self._fragments = "", ()
        self._busy = True
        self._whole = False
        self._heard = 0.0
        self.page_script_hash = ""
        self._news = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task | None = None
        self._fault = ""

    async def __aenter__(self) -> Tab:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_timers()
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()

    @property
    def idle(self) -> bool:
        """Whether no script of this tab runs, as far as it has been told."""
        return not self._busy

    def components(self, key: str) -> list[bytes]:
        """What the components with this key were handed."""
        kinds = ((one, one.WhichOneof("type")) for one in self.elements.values())
        return [one.bidi_component.bytes for one, kind in kinds
                if kind == "bidi_component" and one.bidi_component.id.endswith(f"-{key}")]  # fmt: skip

    def metrics(self) -> dict[str, str]:
        """Values of the metrics by their label."""
        found = [one.metric for one in self.elements.values() if one.WhichOneof("type") == "metric"]
        return {one.label: one.body for one in found}

    def button(self, key: str) -> str:
        """Widget id of a button that can be pressed, "" where there is none."""
        for one in self.elements.values():
            if one.WhichOneof("type") == "button" and one.button.id.endswith(f"-{key}") and not one.button.disabled:
                return one.button.id
        return ""

    async def until(self, true: Callable[[Tab], bool], timeout_s: float) -> float:
        """Wait until something is true of the page; the seconds that it took.

        Raises:
            TimeoutError: it did not become true. ConnectionError: the server ended the connection.
        """
        began = time.perf_counter()

        async def wait() -> None:
            async with self._news:
                await self._news.wait_for(lambda: self._fault or true(self))

        await asyncio.wait_for(wait(), timeout_s)
        if self._fault:
            raise ConnectionError(self._fault)
        return time.perf_counter() - began

    async def press(self, key: str, timeout_s: float) -> float:
        """Press a button; the seconds until the run of the script that it starts has ended, by its last message where
        that of its end is lost.

        Raises:
            KeyError: there is no such button, or it cannot be pressed.
        """
        widget = self.button(key)
        if not widget:
            raise KeyError(key)
        before = self.finished
        began = time.perf_counter()
        self._busy = True
        await self._rerun(widgets=[WidgetState(id=widget, trigger_value=True)])
        while time.perf_counter() - began < timeout_s:
            with contextlib.suppress(TimeoutError):
                await self.until(lambda tab: tab.finished > before and tab.idle, QUIET_S)
                return time.perf_counter() - began
            if self._whole and time.perf_counter() - self._heard >= QUIET_S:
                self._whole_ended()
                return self._heard - began
        raise TimeoutError(f"{key} was pressed and no run came of it")

    async def _open(self) -> None:
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = await connect(address, subprotocols=["streamlit"], max_size=None, compression=None)
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._rerun()

    async def _rerun(self, widgets: list[WidgetState] | None = None, fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.page_script_hash
        state.page_name = "" if self.page_script_hash else self.page
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        state.cached_message_hashes.extend(self._kept)
        state.widget_states.widgets.extend(widgets or [])
        state.context_info.url = f"{self.url}/{self.page}"
        state.context_info.timezone, state.context_info.locale = "UTC", "en-US"
        state.context_info.color_scheme = "light"
        await self._socket.send(message.SerializeToString())

    async def _read(self, stream: ClientConnection) -> None:
        try:
            async for data in stream:
                message = ForwardMsg.FromString(data)
                if message.WhichOneof("type") == "ref_hash":
                    kept, metadata = self._kept[message.ref_hash], message.metadata
                    message = ForwardMsg()
                    message.CopyFrom(kept)
                    message.metadata.CopyFrom(metadata)
                elif message.metadata.cacheable:
                    self._kept[message.hash] = message
                await self._take(message)
        except Exception as error:  # noqa: BLE001 (whatever ended it is told to whom waits)
            self._fault = f"{type(error).__name__}: {error}"
        else:
            self._fault = "the server closed the connection"
        async with self._news:
            self._news.notify_all()

    async def _take(self, message: ForwardMsg) -> None:
        self._heard = time.perf_counter()
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message.metadata.run)
        elif kind == "navigation":
            self.page_script_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_timers(fragment)
        elif kind == "delta":
            await self._place(message)
        elif kind == "page_not_found":
            self.exceptions.append(f"page not found: {message.page_not_found.page_name}")
        elif kind == "script_finished":
            self._end(message.script_finished)
        async with self._news:
            self._news.notify_all()

    def _begin(self, run: RunIdentity) -> None:
        self._run, self._fragments = run.script_run_id, tuple(run.fragment_ids)
        if not self._fragments:
            self._stop_timers()
            self._busy = self._whole = True
        elif self._whole:
            self._whole_ended()  # one script runs at a time; the message of its end was lost

    def _end(self, status: int) -> None:
        """Forget what the run has not drawn again, as the frontend does."""
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._whole = False
            return
        whole = status in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
        for path, (run, fragment) in list(self._runs.items()):
            if run != self._run and (whole or fragment in self._fragments):
                del self._runs[path], self.elements[path]
        if whole:
            self._whole_ended()

    def _whole_ended(self) -> None:
        self.finished += 1
        self._busy = self._whole = False

    async def _place(self, message: ForwardMsg) -> None:
        delta, path = message.delta, tuple(message.metadata.delta_path)
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "html" and _RELOAD in element.html.body:
            asyncio.create_task(self._reload())  # noqa: RUF006 (it ends this reader, which would keep it)
        elif kind == "exception":
            self.exceptions.append(f"{element.exception.type}: {element.exception.message}")
        self.elements[path], self._runs[path] = element, (self._run, delta.fragment_id)

    async def _reload(self) -> None:
        await self.__aexit__()
        self.elements, self._runs = {}, {}
        await self._open()

    def _start_timer(self, fragment: str, interval_s: float) -> None:
        async def tick() -> None:
            while True:
                await asyncio.sleep(interval_s)
                self.auto_reruns += 1
                await self._rerun(fragment=fragment)

        self._stop_timers(fragment)
        self.timers[fragment] = asyncio.create_task(tick())

    def _stop_timers(self, fragment: str | None = None) -> None:
        for name in list(self.timers) if fragment is None else [fragment]:
            timer = self.timers.pop(name, None)
            if timer is not None:
                timer.cancel()


@contextlib.contextmanager
def server(folder: Path, data: Path, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app as a person starts it, on a free port; its URL and its process.

    Args:
        folder: gets its home and its log.
        data: the folder that paths may be opened below.
        environment: more variables.

    Raises:
        RuntimeError: it did not come up; with the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"ECGVIZ_HOME": str(folder / "home"), "ECGVIZ_DATA_ROOTS": str(data)} | environment,
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    url = f"http://localhost:{port}"
    try:
        _wait_until_healthy(url, process, log)
        yield url, process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(STOP_S)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue


def _wait_until_healthy(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not come up:\n{log.read_text(errors='replace')[-4000:]}")
