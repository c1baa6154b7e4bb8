"""Members of dimensions in Redis: published after a run's commit, looked up by their natural key.

The database is the truth: docs/cache.md says why no lookup is answered by what it no longer holds.
"""

from engine.cache.members import Member, Members

__all__ = ["Member", "Members"]
