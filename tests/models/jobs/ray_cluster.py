"""A real Ray cluster of this machine for a module of tests: two CPUs, and it wants a token."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import psutil
import pytest

from tests.models.jobs.conftest import wait_until

START_S = 300.0


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/api/version", timeout=5):
            return True
    except URLError as error:
        return getattr(error, "code", None) in {401, 403}
    except OSError:
        return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a cluster of two CPUs that wants the token of RAY_AUTH_TOKEN_PATH."""
    folder = tmp_path_factory.mktemp("ray")
    token = folder / "token"
    token.write_text("b" * 32)
    token.chmod(0o644)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_worker_niceness", "0")  # by default 15: beside other work nothing moves
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for name in ("RAY_ADDRESS", "ECGVIZ_RAY_RUNS", "RAY_AUTH_TOKEN"):
            patch.delenv(name, raising=False)
        port, dashboard = free_ports(2)
        temporary = Path(f"/tmp/ecgviz-ray-{os.getpid()}")  # short: the path of a socket has a limit
        program = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2"]
        options = [f"--port={port}", f"--dashboard-port={dashboard}", "--object-store-memory=200000000"]
        options += [f"--temp-dir={temporary}", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
        with (folder / "cluster.txt").open("wb") as output:
            head = subprocess.Popen(
                [*program, *options], stdout=output, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True
            )
        address = f"http://127.0.0.1:{dashboard}"
        try:
            wait_until(lambda: answers(address), lambda: (folder / "cluster.txt").read_text()[-3000:], START_S)
            patch.setenv("ECGVIZ_RAY_ADDRESS", address)
            patch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
            patch.setenv("ECGVIZ_JOBS", "ray")
            yield address
        finally:
            processes = [psutil.Process(head.pid), *psutil.Process(head.pid).children(recursive=True)]
            head.terminate()
            _, left = psutil.wait_procs(processes, timeout=20)
            for process in left:
                process.kill()
            psutil.wait_procs(left, timeout=20)
            shutil.rmtree(temporary, ignore_errors=True)
