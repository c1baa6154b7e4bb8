"""A tool that cannot be installed here is said to be so, and the others go on."""

import pytest

from benchmarks import contenders
from benchmarks.compare import told
from benchmarks.contenders import libpq
from benchmarks.peers import environment


def test_what_pip_cannot_install_is_absent_with_the_reason(tmp_path, monkeypatch):
    (tmp_path / "requirements-tool.txt").write_text("./no-such-folder\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    with pytest.raises(environment.AbsentError, match="no-such-folder"):
        environment.programs("tool", tmp_path / "environments")


def test_an_environment_is_made_once_and_anew_for_other_versions(tmp_path, monkeypatch):
    wanted = tmp_path / "requirements-tool.txt"
    wanted.write_text("# nothing\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    binaries = environment.programs("tool", tmp_path / "environments")
    assert (binaries / "python").exists()
    mark = binaries / "mark"
    mark.touch()
    assert environment.programs("tool", tmp_path / "environments") == binaries
    assert mark.exists()
    wanted.write_text("# nothing else\n")
    environment.programs("tool", tmp_path / "environments")
    assert not mark.exists()


def test_the_others_go_on_without_it(monkeypatch):
    def refuse(name):
        raise environment.AbsentError(f"no {name} today")

    monkeypatch.setattr(environment, "programs", refuse)
    with contenders.contenders(None, peers=True) as (found, absent):
        assert [each.name for each in found] == ["engine", "by hand"]
    assert absent == {"dlt + dbt": "no dlt-dbt today", "pygrametl": "no pygrametl today"}


def test_a_url_is_told_to_libpq_with_its_password_decoded():
    assert libpq("postgresql://me:a%40b@127.0.0.1:5433/bench") == {
        "PGHOST": "127.0.0.1",
        "PGPORT": "5433",
        "PGUSER": "me",
        "PGPASSWORD": "a@b",
        "PGDATABASE": "bench",
    }


def test_a_star_that_is_wrong_is_told_by_table():
    wanted = {"dim_users": (2, "11"), "fact_orders": (3, "12"), "dim_date": (1, "1")}
    have = {"dim_users": (1, "11"), "fact_orders": (3, "13"), "dim_date": (1, "1")}
    assert told(wanted, have) == (
        "dim_users has 1 rows for 2; fact_orders has 3 rows for 3, and other values in them"
    )
    assert told(wanted, wanted) == ""
