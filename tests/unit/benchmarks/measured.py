"""Measurements as `make bench` and `make bench-growth` keep them, made up."""

MACHINE = {
    "measured": "2026-01-02 03:04 UTC",
    "cores": 2,
    "memory_gib": 24,
    "load": 0.1,
    "python": "3.11.7",
    "postgres": "18.4",
}
PARTS = {"start": 0.4, "read": 0.1, "stage": 0.2, "load": 1.0, "check": 0.05, "commit": 0.03}


def load(full=None, changed=None, names=("engine", "by hand")):
    return {
        "machine": MACHINE,
        "rounds": 3,
        "orders": 1_000_000,
        "changes": 10_000,
        "seconds": {
            name: {
                "full": (full or {}).get(name, [3.0, 2.0, 4.0]),
                "changed": (changed or {}).get(name, [0.5]),
                "nothing": [0.4],
            }
            for name in names
        },
        "peaks": {name: {"full": [80_000_000], "changed": [60_000_000]} for name in names},
        "absent": {},
        "where": dict.fromkeys(("full", "changed", "nothing"), PARTS),
        "waits": {"--help": [0.08], "validate": [0.2]},
    }


def growth(scales, peak=80e6):
    """`scales`: the seconds of a full load and of changes at each."""
    return {
        "machine": MACHINE,
        "rounds": 3,
        "changes": 10_000,
        "scales": {
            scale: {
                "rows": int(float(scale) * 1_000_000),
                "seconds": {"full": [full], "changed": [changed], "nothing": [0.4]},
                "peaks": [peak],
            }
            for scale, (full, changed) in scales.items()
        },
    }
