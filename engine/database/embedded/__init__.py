"""Two PostgreSQL servers of one's own, a source and a warehouse, in a folder that can be seen and deleted."""

from engine.database.embedded.pair import Embedded
from engine.database.embedded.seed import seed
from engine.database.embedded.server import Server

__all__ = ["Embedded", "Server", "seed"]
