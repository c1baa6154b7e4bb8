"""Members through a real Redis: what it answers is what the warehouse says, or it does not answer."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from decimal import Decimal

import pytest

from engine.cache import Members
from engine.cache.settings import cache_settings
from engine.errors import RunError, SettingsError
from engine.run import run
from tests.integration.redis_server import PASSWORD, redis_server
from tests.integration.stars import STAR, dimension, notices, star

CACHE = {"cache": {"ttl": "1h"}}


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as running:
        yield running


def little(query="SELECT user_id AS id, name FROM users", columns="id name", **more):
    return star(dim_little=dimension(query, columns, **(CACHE | more)))


@pytest.fixture
def cached(stars, server):
    return Cached(stars, server)


class Cached:
    """Runs with the cache, and looks members up: at once by a new reader, or by one that stays open."""

    def __init__(self, stars, server):
        self.stars, self.server = stars, server

    def run(self, mapping, **more):
        loaded = self.stars.load(mapping)
        settings = self.stars.settings(loaded, {})
        return run(loaded, settings, cache=cache_settings(self.server.environment), **more)

    def members(self, mapping, **more):
        environ = self.stars.databases.environment | self.server.environment
        return Members(self.stars.load(mapping), environ, **more)

    def find(self, mapping, name="dim_little", **key):
        with self.members(mapping) as members:
            found = members.find(name, **key)
            return found and (found.by, found.values)

    def settle(self):
        """Let the time pass in which only the run itself may publish."""
        self.stars.warehouse("UPDATE engine.dimension SET changed_at = now() - interval '1 h'")

    def stored(self):
        with self.server.client as client:
            return sorted(client.scan_iter("engine:*"))

    def ids(self):
        """Return the natural keys of all that is in Redis, whatever their epoch."""
        return sorted(json.loads(key.split(":", 4)[-1])[0] for key in self.stored() if "[" in key)


def user(of, number):
    return of[1]["id"], of[1]["name"]


def test_a_run_publishes_its_members_after_the_commit(cached):
    report = cached.run(little())
    assert notices(report) == ""
    assert len(cached.ids()) == cached.stars.column("SELECT count(*) FROM dim_little")[0]
    by, values = cached.find(little(), id=42)
    assert by == "cache"
    (row,) = cached.stars.warehouse("SELECT key, id, name FROM dim_little WHERE id = 42")
    assert tuple(values.values()) == row


def test_only_what_changed_is_published_and_the_rest_stays(cached):
    mapping = little(natural_key="id")
    cached.run(mapping)
    with cached.server.client as client:
        for key in cached.stored():
            if "[" in key:
                client.set(key, '{"id": 0, "name": "not written again"}')
    cached.stars.source("UPDATE users SET name = 'Changed' WHERE user_id = 7")
    cached.stars.source("INSERT INTO users (name, email) VALUES ('New', 'new@example.com')")
    cached.run(mapping)
    new = cached.stars.column("SELECT id FROM dim_little WHERE name = 'New'")[0]
    assert cached.find(mapping, id=7)[0] == cached.find(mapping, id=new)[0] == "cache"
    assert cached.find(mapping, id=7)[1]["name"] == "Changed"
    assert cached.find(mapping, id=new)[1]["name"] == "New"
    assert cached.find(mapping, id=8) == ("cache", {"id": 0, "name": "not written again"})


def test_a_run_that_changes_nothing_leaves_the_cache_warm(cached):
    cached.run(little())
    before = cached.stored()
    cached.run(little())
    assert cached.stored() == before
    assert cached.find(little(), id=1)[0] == "cache"


def test_a_member_that_is_gone_is_not_found(cached):
    mapping = little("SELECT user_id AS id, name FROM users WHERE name <> 'Gone'", load="replace")
    cached.run(mapping)
    cached.stars.source("UPDATE users SET name = 'Gone' WHERE user_id = 9")
    cached.run(mapping)
    assert cached.find(mapping, id=9) is None
    assert cached.find(mapping, id=10)[0] == "warehouse"  # a new epoch begins empty
    cached.settle()
    cached.find(mapping, id=10)
    assert cached.find(mapping, id=10)[0] == "cache"


def test_an_empty_redis_is_filled_by_lookups(cached):
    cached.run(little())
    with cached.server.client as client:
        client.flushall()
    answers = [cached.find(little(), id=5) for _ in range(2)]
    assert [by for by, _ in answers] == ["warehouse", "cache"]
    assert answers[0][1] == answers[1][1]
    assert cached.ids() == ["5"]


def test_a_run_without_its_cache_leaves_no_stale_member(cached):
    cached.run(little())
    cached.stars.source("UPDATE users SET name = 'Newer' WHERE user_id = 3")
    cached.stars.run(little())  # as if it had died between commit and publication
    for _ in range(2):  # within the time in which the run may publish, nothing is filled
        by, values = cached.find(little(), id=3)
        assert (by, values["name"]) == ("warehouse", "Newer")
    cached.settle()
    answers = [cached.find(little(), id=3) for _ in range(2)]
    assert [(by, values["name"]) for by, values in answers] == [
        ("warehouse", "Newer"),
        ("cache", "Newer"),
    ]
    assert cached.find(little(), id=4)[0] == "warehouse"  # of the old epoch nothing is used


def test_a_warehouse_that_was_restored_gets_no_answer_of_its_future(cached):
    """The same cluster, with yesterday's star and ledger; then it goes on, another way."""
    cached.run(little())
    saved = cached.stars.warehouse("SELECT id, name FROM dim_little WHERE id = 3")
    ledger = "SELECT run_id::text FROM engine.dimension WHERE table_name = 'dim_little'"
    (version,) = cached.stars.column(ledger)
    cached.stars.source("UPDATE users SET name = 'Tomorrow' WHERE user_id = 3")
    cached.run(little())
    assert cached.find(little(), id=3)[1]["name"] == "Tomorrow"
    cached.stars.warehouse(f"UPDATE dim_little SET name = '{saved[0][1]}' WHERE id = 3")
    cached.stars.warehouse(f"UPDATE engine.dimension SET run_id = '{version}'")
    cached.settle()
    assert [cached.find(little(), id=3) for _ in range(2)] == [
        ("warehouse", {"key": 3, "id": 3, "name": saved[0][1]}),
        ("cache", {"key": 3, "id": 3, "name": saved[0][1]}),
    ]
    cached.stars.source("UPDATE users SET name = 'Another day' WHERE user_id = 3")
    cached.run(little())
    assert cached.find(little(), id=3)[1]["name"] == "Another day"


def test_a_table_that_was_made_anew_or_emptied_has_no_members_of_before(cached):
    cached.run(little())
    cached.stars.warehouse("TRUNCATE dim_little")
    assert cached.find(little(), id=3) is None
    cached.stars.warehouse("DROP TABLE dim_little")
    with pytest.raises(RunError, match="does not exist in the warehouse yet: `engine run` makes"):
        cached.find(little(), id=3)
    cached.run(little())
    assert cached.find(little(), id=3)[0] == "cache"


def test_other_columns_have_members_of_their_own(cached):
    wide = little("SELECT user_id AS id, name, email FROM users", "id name email")
    cached.run(little())
    cached.run(wide)
    assert list(cached.find(wide, id=3)[1]) == ["key", "id", "name", "email"]
    assert list(cached.find(little(), id=3)[1]) == ["key", "id", "name"]


def test_two_mappings_of_one_dimension_never_show_what_the_other_replaced(cached):
    one, other = little(), little() | {"name": "other"}
    cached.run(one)
    for number, mapping in enumerate((other, one, other)):
        cached.stars.source(f"UPDATE users SET name = 'V{number}' WHERE user_id = 2")
        cached.run(mapping)
        assert cached.find(one, id=2) == ("cache", {"key": 2, "id": 2, "name": f"V{number}"})
        assert cached.find(other, id=2) == cached.find(one, id=2)


def test_a_reader_that_stays_open_sees_a_commit(cached):
    cached.run(little())
    with cached.members(little(), check_every=0) as members:
        assert members.find("dim_little", id=6).by == "cache"
        cached.stars.source("UPDATE users SET name = 'Six' WHERE user_id = 6")
        cached.stars.run(little())
        assert members.find("dim_little", id=6).values["name"] == "Six"
        cached.stars.source("UPDATE users SET name = 'Sixth' WHERE user_id = 6")
        cached.run(little())
        found = members.find("dim_little", id=6)
        assert found.values["name"] == "Sixth"


def test_a_fill_of_what_was_read_before_a_commit_is_refused(cached, monkeypatch):
    """A reader has read from the warehouse; a run commits and publishes; then the reader fills."""
    cached.run(little())
    with cached.server.client as client:
        for key in cached.stored():
            if "[" in key:
                client.delete(key)
    with cached.members(little()) as members:
        fill = members._fill

        def late(*arguments):
            cached.stars.source("UPDATE users SET name = 'Quick' WHERE user_id = 6")
            cached.run(little())
            return fill(*arguments)

        monkeypatch.setattr(members, "_fill", late)
        assert members.find("dim_little", id=6).values["name"] != "Quick"
    assert cached.find(little(), id=6) == ("cache", {"key": 6, "id": 6, "name": "Quick"})


def test_a_publication_that_died_halfway_is_never_used(cached, monkeypatch):
    from engine.cache import publish
    from engine.cache.store import CacheError, Store

    cached.run(little())
    cached.stars.source("UPDATE users SET name = 'Half ' || user_id")
    write = Store.write

    def half(self, space, epoch, members):
        write(self, space, epoch, members[:3])
        raise CacheError("gone")

    monkeypatch.setattr(Store, "write", half)
    report = cached.run(little())
    assert "dim_little: the cache was not brought up to date" in notices(report)
    monkeypatch.undo()
    for number in (1, 30):
        assert cached.find(little(), id=number)[0] == "warehouse"
    with cached.server.client as client:  # the time passes for which the run has held it
        (state,) = [key for key in cached.stored() if key.endswith(":state")]
        assert 0 < client.ttl(state) <= publish.HELD
        client.delete(state)
    cached.settle()
    assert cached.find(little(), id=30) == ("warehouse", {"key": 30, "id": 30, "name": "Half 30"})
    assert cached.find(little(), id=30)[0] == "cache"
    assert cached.find(little(), id=1)[0] == "warehouse"


def test_more_members_than_a_run_publishes_are_left_to_lookups(cached, monkeypatch):
    monkeypatch.setattr("engine.cache.publish.MOST", 10)
    cached.run(little())
    assert cached.ids() == []
    assert [cached.find(little(), id=3)[0] for _ in range(2)] == ["warehouse", "cache"]


# A Redis that fails


def test_a_redis_that_is_down_costs_a_warning(cached, caplog):
    caplog.set_level("WARNING", "engine")
    cached.run(little())
    cached.server.stop()
    cached.stars.source("UPDATE users SET name = 'While down' WHERE user_id = 3")
    report = cached.run(little())
    assert report.status == "done"
    assert "dim_little: the cache was not brought up to date" in notices(report)
    assert "Connection refused" in notices(report)
    assert PASSWORD not in notices(report) + caplog.text
    assert cached.find(little(), id=3)[0] == "warehouse"
    assert "lookups ask the warehouse: redis at 127.0.0.1" in caplog.text


def test_a_wrong_password_costs_a_warning(cached):
    wrong = cache_settings({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(cached.server.port)})
    loaded = cached.stars.load(little())
    report = run(loaded, cached.stars.settings(loaded, {}), cache=wrong)
    assert "Authentication required" in notices(report)


def test_a_full_redis_costs_a_warning_and_no_answer_is_wrong(cached):
    cached.run(little())
    with cached.server.client as client:
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
    cached.stars.source("UPDATE users SET name = 'Full' WHERE user_id = 3")
    report = cached.run(little())
    assert "maxmemory" in notices(report)
    assert cached.find(little(), id=3)[1]["name"] == "Full"


def test_a_redis_that_may_only_be_read_costs_a_warning(cached):
    cached.run(little())
    with cached.server.client as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
    cached.stars.source("UPDATE users SET name = 'Replica' WHERE user_id = 3")
    report = cached.run(little())
    assert "read only replica" in notices(report)
    assert cached.find(little(), id=3)[1]["name"] == "Replica"


@contextmanager
def mute():
    """Give the port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = []
        accept = threading.Thread(target=lambda: _take(listener, taken), daemon=True)
        accept.start()
        yield listener.getsockname()[1]


def _take(listener, taken):
    while True:
        try:
            taken.append(listener.accept())
        except OSError:
            return


def test_a_redis_that_never_answers_costs_a_warning(stars):
    with mute() as port:
        loaded = stars.load(little())
        environ = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}
        report = run(loaded, stars.settings(loaded, {}), cache=cache_settings(environ))
        assert "Timeout" in notices(report)
        with Members(loaded, stars.databases.environment | environ) as members:
            assert members.find("dim_little", id=3).by == "warehouse"


def test_without_settings_the_log_says_so_and_lookups_work(stars, caplog):
    with caplog.at_level("INFO", "engine"):
        assert notices(stars.run(little())) == ""
    assert "there is no REDIS_URL and no REDIS_HOST: nothing is cached" in caplog.text
    with Members(stars.load(little()), stars.databases.environment) as members:
        assert members.find("dim_little", id=3).by == "warehouse"


# Values


TYPES = """
SELECT n AS id, 12345678901234567890.123456789012345678::numeric AS exact, 0.1::float8 AS near,
  'NaN'::numeric AS nan, 'infinity'::timestamptz AS ever, timestamp '2024-02-29 12:34:56.789012' AS at,
  'ü ''"\\ 漢 ' || chr(10) AS words, NULL::text AS nothing, true AS yes, '\\x00ff'::bytea AS bytes,
  ARRAY[1, NULL] AS list, '{"a": 1.50}'::jsonb AS document, 9223372036854775807::int8 AS big,
  numeric '12.50' AS price
FROM generate_series(1, 3) n
"""


def test_values_are_exact_and_the_same_from_cache_and_warehouse(cached):
    names = "id exact near nan ever at words nothing yes bytes list document big price"
    mapping = little(TYPES, names)
    cached.run(mapping)
    with cached.members(mapping) as members:
        from_cache = members.find("dim_little", id=2)
    with cached.server.client as client:
        client.flushall()
    with cached.members(mapping) as members:
        from_warehouse = members.find("dim_little", id=2)
    assert (from_cache.by, from_warehouse.by) == ("cache", "warehouse")
    assert from_cache.text == from_warehouse.text
    values = from_cache.values
    assert values["exact"] == Decimal("12345678901234567890.123456789012345678")
    assert (str(values["price"]), values["big"]) == ("12.50", 2**63 - 1)
    assert (values["nan"], values["ever"], values["at"]) == (
        "NaN",
        "infinity",
        "2024-02-29T12:34:56.789012",
    )
    assert values["words"] == "ü '\"\\ 漢 \n"
    assert (values["nothing"], values["yes"], values["bytes"]) == (None, True, "\\x00ff")
    assert (values["list"], values["document"]) == ([1, None], {"a": Decimal("1.50")})


def test_a_key_of_several_columns_and_hostile_text(cached):
    query = (
        "SELECT * FROM (VALUES ('a:b', 'c', 1), ('a', 'b:c', 2), ('[\"', '''; --', 3), (' x ', '', 4))"
        " AS t (one, two, n)"
    )
    mapping = little(query, "one two n", natural_key=["one", "two"])
    cached.run(mapping)
    keys = [("a:b", "c"), ("a", "b:c"), ('["', "'; --"), (" x ", ""), ("x", "")]
    wanted = [{"one": one, "two": two} for one, two in keys]
    for by in ("cache", "warehouse"):
        with cached.members(mapping) as members:
            found = members.find_many("dim_little", wanted)
        assert [each and each.values["n"] for each in found] == [1, 2, 3, 4, None]
        assert {each.by for each in found if each} == {by}
        with cached.server.client as client:
            client.flushall()


def test_a_key_that_is_spelled_otherwise_finds_the_same(cached):
    cached.run(little())
    assert cached.find(little(), id="0042") == ("warehouse", cached.find(little(), id=42)[1])
    assert "0042" not in cached.ids()


def test_many_at_once_some_from_each(cached, monkeypatch):
    monkeypatch.setattr("engine.cache.members.BATCH", 7)
    cached.run(little())
    with cached.server.client as client:
        client.flushall()
    with cached.members(little()) as members:
        members.find_many("dim_little", [{"id": n} for n in range(1, 21)])
        found = members.find_many("dim_little", [{"id": n} for n in [*range(30, 0, -1), 10**6]])
    assert [each and each.values["id"] for each in found] == [*range(30, 0, -1), None]
    assert [each.by for each in found[:30]] == ["warehouse"] * 10 + ["cache"] * 20


def test_threads_share_one_reader(cached):
    cached.run(little())
    wrong = []

    def look(members):
        for n in range(1, 40):
            found = members.find("dim_little", id=n)
            if found is None or found.values["id"] != n:
                wrong.append(n)

    with cached.members(little(), check_every=0) as members:
        threads = [threading.Thread(target=look, args=(members,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "key", "what"),
    [
        (
            "dim_litle",
            {"id": 1},
            "the mapping 'little' has no dimension 'dim_litle' (did you mean 'dim_little'?)",
        ),
        ("dim_little", {"di": 1}, "dim_little is looked up by id, not by 'di'"),
        ("dim_little", {}, "dim_little is looked up by id: id is missing"),
        ("dim_little", {"id": None}, "no member without a value of id"),
        (
            "dim_little",
            {"id": "x"},
            "the key is no value of its column: invalid input syntax for type",
        ),
        ("dim_little", {"id": "9" * 30}, "the key is no value of its column"),
        ("dim_little", {"id": "1\0"}, "a NUL character"),
    ],
)
def test_what_cannot_be_looked_up(cached, name, key, what):
    cached.run(little())
    with cached.members(little()) as members, pytest.raises(SettingsError) as raised:
        members.find(name, **key)
    assert what in str(raised.value)


# The command


def lookup(cached, *words, server=True):
    environment = cached.server.environment if server else {}
    return cached.stars.engine("lookup", *words, "--mapping", STAR, environment=environment)


def test_the_command(cached):
    cached.run(STAR)
    done = lookup(cached, "dim_users", "user_id=42", "--json")
    assert (done.returncode, done.stderr) == (0, "answered by the cache\n")
    (wanted,) = cached.stars.warehouse(
        "SELECT user_key, user_id, name, email, city FROM dim_users WHERE user_id = 42"
    )
    values = json.loads(done.stdout)
    assert tuple(values[n] for n in ("user_key", "user_id", "name", "email", "city")) == wanted
    shown = lookup(cached, "dim_users", "user_id=42").stdout
    assert f"name          {wanted[2]}\n" in shown
    assert lookup(cached, "dim_date", "date=2024-02-29").stdout.startswith("date_key")


def test_the_command_without_redis_asks_the_warehouse(cached):
    cached.run(STAR)
    before = lookup(cached, "dim_users", "user_id=42", "--json")
    cached.server.stop()
    done = lookup(cached, "dim_users", "user_id=42", "--json")
    assert (done.returncode, done.stdout) == (0, before.stdout)
    assert "answered by the warehouse" in done.stderr
    assert "Connection refused" in done.stderr
    assert PASSWORD not in done.stderr
    assert (
        lookup(cached, "dim_users", "user_id=42", server=False).stderr
        == "answered by the warehouse\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["dim_users", "user_id=0"], 1, "dim_users: no member with user_id = 0"),
        (["dim_user", "user_id=1"], 2, "did you mean 'dim_users'?"),
        (["dim_users", "user=1"], 2, "dim_users is looked up by user_id, not by 'user'"),
        (["dim_users", "user_id=x"], 2, "the key is no value of its column"),
        (["dim_users", "42"], 2, "a key is COLUMN=VALUE, such as user_id=42, not '42'"),
        (["dim_users", "user_id=1", "user_id=2"], 2, "the key has user_id twice"),
        (["dim_users"], 2, "error: missing argument"),
    ],
)
def test_what_the_command_refuses(cached, words, code, what):
    cached.run(STAR)
    done = lookup(cached, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert what in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_of_the_command_line_publishes_and_a_wrong_setting_stops_it(cached):
    done = cached.stars.engine("run", STAR, environment=cached.server.environment)
    assert done.returncode == 0
    assert PASSWORD not in done.stdout + done.stderr
    assert len(cached.ids()) > 40
    wrong = cached.stars.engine("run", STAR, environment={"REDIS_URL": "localhost:6379"})
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "REDIS_URL: cannot be read as redis://" in wrong.stderr


def test_lookup_before_the_first_run(cached):
    done = lookup(cached, "dim_users", "user_id=1")
    assert done.returncode == 1
    assert "`engine run` makes" in done.stderr
