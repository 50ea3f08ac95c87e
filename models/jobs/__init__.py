"""Background trainings, independent of browser tabs and of the server.

>>> from models.config import load_config
>>> from models.jobs import backend
>>> job_id = backend().submit(load_config("beat_smoke", ["data.root=FOLDER"]))  # doctest: +SKIP
"""

from models.jobs.backend import Backend, backend
from models.jobs.fake import FakeBackend
from models.jobs.local import LocalBackend
from models.jobs.ray_backend import RayBackend
from models.jobs.states import TRANSITIONS, Job, JobState
from models.jobs.store import JobStore

__all__ = [
    "TRANSITIONS",
    "Backend",
    "FakeBackend",
    "Job",
    "JobState",
    "JobStore",
    "LocalBackend",
    "RayBackend",
    "backend",
]
