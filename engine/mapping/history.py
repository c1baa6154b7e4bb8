"""The columns that a dimension with history has beside those of the mapping."""

from __future__ import annotations

VALID_FROM = "valid_from"
VALID_TO = "valid_to"
IS_CURRENT = "is_current"
CHANGED_AT = "changed_at"
CONFIRMED_AT = "confirmed_at"

HISTORY_COLUMNS = {
    VALID_FROM: "Since when the version is valid",
    VALID_TO: "Until when the version is valid, not included",
    IS_CURRENT: "Whether the version is the present one",
    CHANGED_AT: "Effective time of the row of the source that made the version",
    CONFIRMED_AT: "Effective time of the last row of the source that says the same",
}
HISTORY_NAMES = tuple(HISTORY_COLUMNS)
