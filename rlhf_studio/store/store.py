"""The store: one database and its repositories."""

from rlhf_studio.store.annotators import AnnotatorRepository
from rlhf_studio.store.comparisons import ComparisonRepository
from rlhf_studio.store.database import Database
from rlhf_studio.store.migrate import migrate
from rlhf_studio.store.models import ModelRepository
from rlhf_studio.store.preferences import PreferenceRepository
from rlhf_studio.store.projects import ProjectRepository
from rlhf_studio.store.prompts import PromptRepository
from rlhf_studio.store.runs import RunRepository
from rlhf_studio.store.snapshots import SnapshotRepository


class Store:
    """Everything a studio keeps. Threads may share one; each process opens its own."""

    def __init__(self, database_url: str) -> None:
        """Open the database, making it and bringing its tables up to date where needed.

        Raises Unavailable when it cannot be opened, Conflict when a newer version wrote it.
        """
        self._database = Database(database_url)
        migrate(self._database)
        self.projects = ProjectRepository(self._database)
        self.prompts = PromptRepository(self._database)
        self.comparisons = ComparisonRepository(self._database)
        self.preferences = PreferenceRepository(self._database)
        self.annotators = AnnotatorRepository(self._database)
        self.snapshots = SnapshotRepository(self._database)
        self.models = ModelRepository(self._database)
        self.runs = RunRepository(self._database)

    def close(self) -> None:
        """Close the connections. Nothing waits for this: each change is on disk when its call returns."""
        self._database.close()
