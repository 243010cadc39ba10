"""One studio: its settings, its store and its services."""

import contextlib
import re

from rlhf_studio.core.config import GenerateConfig
from rlhf_studio.core.errors import InvalidInput, StudioError
from rlhf_studio.core.models import STARTER_ID
from rlhf_studio.core.settings import Settings
from rlhf_studio.runs.supervisor import Supervisor
from rlhf_studio.store import Store
from rlhf_studio.studio.comparing import ComparingService
from rlhf_studio.studio.data import DataService
from rlhf_studio.studio.labels import LabelService
from rlhf_studio.studio.models import ModelService
from rlhf_studio.studio.overview import OverviewService
from rlhf_studio.studio.runs import RunService
from rlhf_studio.studio.starter import add_starter_content

_PROJECT_NAME = re.compile(r"[\w][\w .-]{0,63}")
FRESH_PAIRS = 24
"""New pairs are made while fewer than this many of the studio's own wait."""


class Studio:
    """What pages, REST routes and commands talk to."""

    def __init__(self, settings: Settings) -> None:
        """Open the studio in `settings.home`, making its database where needed."""
        self.settings = settings
        self.store = Store(settings.database_url)
        self.supervisor = Supervisor(settings, self.store)
        self.models = ModelService(settings, self.store)
        self.data = DataService(settings, self.store)
        self.runs = RunService(settings, self.store, self.supervisor)
        self.labels = LabelService(self.store, wanted=self.somebody_labels)
        self.comparing = ComparingService(self.store)
        self.overview = OverviewService(self.store)
        self._labelled: set[str] = set()

    def open_project(self, name: str, *, starter_content: bool = False) -> None:
        """Make a project where it is missing; with `starter_content` an empty one gets the starter's.

        Raises InvalidInput for a name that is not letters, digits, spaces, dots and dashes.
        """
        if not _PROJECT_NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is no project name. Use up to 64 letters, digits, spaces, dots and dashes.")
        self.store.projects.ensure(name)
        if starter_content:
            add_starter_content(self.store, name)

    def somebody_labels(self, project: str) -> bool:
        """Remember that fresh pairs are wanted, and say whether some are being made.

        Making them is left to `tick`: nobody who votes waits for it.
        """
        self._labelled.add(project)
        newest = self.store.runs.all(project=project, kind="generate", limit=1)
        return bool(newest) and not newest[0].ended

    def tick(self) -> None:
        """Look after the runs, and make fresh pairs where people label. The server calls it every second."""
        self.supervisor.tick()
        while self._labelled:
            self._refill(self._labelled.pop())

    def _refill(self, project: str) -> None:
        """Start making pairs when few are waiting; after a failure somebody has to look first."""
        newest = self.store.runs.all(project=project, kind="generate", limit=1)
        if newest and (not newest[0].ended or newest[0].status == "failed"):
            return
        if self.store.comparisons.count_waiting(project, source="generated") >= FRESH_PAIRS:
            return
        policy = self.overview.best_policy(project)
        config = GenerateConfig(model=policy.id if policy else STARTER_ID, prompts=FRESH_PAIRS)
        # Without a model or without prompts there are no fresh pairs; Home and Data say so.
        with contextlib.suppress(StudioError):
            self.runs.start(project, config, background=True)

    def close(self) -> None:
        """Close the store; runs go on."""
        self.store.close()
