"""One studio: its settings, its store and its services."""

import re
import threading

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
        self.labels = LabelService(self.store, refill=self.refill)
        self.comparing = ComparingService(self.store)
        self.overview = OverviewService(self.store)
        self._refilling = threading.Lock()

    def open_project(self, name: str, *, starter_content: bool = False) -> None:
        """Make a project where it is missing; with `starter_content` an empty one gets the starter's.

        Raises InvalidInput for a name that is not letters, digits, spaces, dots and dashes.
        """
        if not _PROJECT_NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is no project name. Use up to 64 letters, digits, spaces, dots and dashes.")
        self.store.projects.ensure(name)
        if starter_content:
            add_starter_content(self.store, name)

    def refill(self, project: str) -> bool:
        """Start making fresh pairs when few are waiting; say whether some are being made."""
        with self._refilling:
            return self._refill(project)

    def _refill(self, project: str) -> bool:
        runs = self.store.runs.all(project=project, kind="generate", limit=1)
        if runs and not runs[0].ended:
            return True
        if runs and runs[0].status == "failed":
            return False
        if self.store.comparisons.count_waiting(project, source="generated") >= FRESH_PAIRS:
            return False
        policy = self.overview.best_policy(project)
        config = GenerateConfig(model=policy.id if policy else STARTER_ID, prompts=FRESH_PAIRS)
        try:
            self.runs.start(project, config, background=True)
        except StudioError:
            # Without a model or without prompts there are no fresh pairs; Home and Data say so.
            return False
        return True

    def close(self) -> None:
        """Close the store; runs go on."""
        self.store.close()
