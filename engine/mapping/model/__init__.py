"""What is wanted, as frozen values: each entry in its long form, after defaults and Jinja."""

from engine.mapping.model.aggregate import Aggregate, Group
from engine.mapping.model.base import Period, Scalar, Severity, Tolerance
from engine.mapping.model.check import ROW_WISE, Check, CheckKind
from engine.mapping.model.column import (
    Additivity,
    Column,
    LookedUp,
    Lookup,
    Measure,
    Missing,
    Versioned,
)
from engine.mapping.model.dimension import (
    Cache,
    Cycles,
    Dimension,
    DimensionLoad,
    Hierarchy,
    History,
    Since,
    SpecialMember,
    Type1,
)
from engine.mapping.model.fact import Bridge, Fact, FactLoad, Lag, LagUnit, Partition, Snapshot
from engine.mapping.model.generated import Calendar, Clock, ClockStep, Holidays
from engine.mapping.model.source import (
    Connection,
    Cursor,
    DeletePolicy,
    Deletes,
    NullCursor,
    Parallel,
    Source,
)
from engine.mapping.model.star import Entry, Star

__all__ = [
    "ROW_WISE",
    "Additivity",
    "Aggregate",
    "Bridge",
    "Cache",
    "Calendar",
    "Check",
    "CheckKind",
    "Clock",
    "ClockStep",
    "Column",
    "Connection",
    "Cursor",
    "Cycles",
    "DeletePolicy",
    "Deletes",
    "Dimension",
    "DimensionLoad",
    "Entry",
    "Fact",
    "FactLoad",
    "Group",
    "Hierarchy",
    "History",
    "Holidays",
    "Lag",
    "LagUnit",
    "LookedUp",
    "Lookup",
    "Measure",
    "Missing",
    "NullCursor",
    "Parallel",
    "Partition",
    "Period",
    "Scalar",
    "Severity",
    "Since",
    "Snapshot",
    "Source",
    "SpecialMember",
    "Star",
    "Tolerance",
    "Type1",
    "Versioned",
]
