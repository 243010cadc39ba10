"""What a studio keeps: one SQLite file (WAL), reached through one small repository per noun.

Every change is one transaction. SQLAlchemy is named nowhere outside this package.
"""

from rlhf_studio.store.preferences import NewPreference
from rlhf_studio.store.store import Store

__all__ = ["NewPreference", "Store"]
