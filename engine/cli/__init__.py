"""The command line: parse, wire the parts, choose the exit code."""

from engine.cli.group import engine
from engine.cli.program import main

__all__ = ["engine", "main"]
