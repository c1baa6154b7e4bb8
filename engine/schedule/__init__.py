"""Runs a mapping again and again: timetable says when, loop does it, state knows how it goes, serve tells."""
