"""Two PostgreSQL servers of one's own, source and warehouse, in a folder one may delete."""

from engine.database.embedded.pair import Embedded
from engine.database.embedded.seed import seed
from engine.database.embedded.server import Server

__all__ = ["Embedded", "Server", "seed"]
