"""The rules that a schema cannot state, in the order in which their problems are best read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.errors import Problem
from engine.mapping import (
    rules_aggregates,
    rules_bridge,
    rules_checks,
    rules_entries,
    rules_hierarchy,
    rules_history,
    rules_junk,
    rules_late,
    rules_measures,
    rules_milestones,
    rules_names,
    rules_outriggers,
    rules_partition,
    rules_roles,
    rules_snapshot,
)
from engine.mapping.document import Document
from engine.mapping.model import Star

Rule = Callable[[Star, Document], Iterable[Problem]]

RULES: tuple[Rule, ...] = (
    rules_names.table_names_are_unique,
    rules_names.column_names_are_unique,
    rules_names.names_fit,
    rules_roles.roles_are_free,
    rules_roles.keys_of_roles_are_free,
    rules_names.schema_is_free,
    rules_names.connections_exist,
    rules_names.numbers_are_finite,
    rules_entries.keys_are_loaded,
    rules_entries.calendars_are_possible,
    rules_entries.generated_columns_exist,
    rules_entries.countries_are_known,
    rules_entries.clocks_are_possible,
    rules_entries.special_members_fit,
    rules_entries.lookups_find_one,
    rules_junk.junk_is_made_of_rows,
    rules_junk.junk_words_fit,
    rules_junk.lookups_say_what,
    rules_outriggers.dimensions_have_an_order,
    rules_outriggers.outriggers_fit,
    rules_entries.loads_fit,
    rules_entries.cursors_differ,
    rules_entries.dedupe_sees_all_rows,
    rules_entries.caches_fit,
    rules_history.changes_have_a_history,
    rules_history.durable_keys_fit,
    rules_hierarchy.hierarchies_have_parents,
    rules_hierarchy.hierarchy_tables_are_free,
    rules_history.previous_columns_fit,
    rules_history.versions_are_found,
    rules_aggregates.aggregates_add_up_a_fact,
    rules_snapshot.snapshots_have_periods,
    rules_snapshot.dense_snapshots_can_be_filled,
    rules_milestones.milestones_are_kept,
    rules_milestones.lags_lie_between_milestones,
    rules_measures.measures_fit,
    rules_measures.the_view_of_measures_is_free,
    rules_partition.partitions_fit,
    rules_bridge.bridges_fit,
    rules_partition.ranges_fit,
    rules_late.deletes_fit,
    rules_late.rows_can_wait,
    rules_late.members_can_be_inferred,
    rules_checks.checked_columns_exist,
    rules_checks.checked_dimensions_exist,
    rules_checks.limits_can_be_met,
    rules_checks.check_words_go_together,
    rules_checks.row_counts_have_a_source,
)
