"""engine demo: two PostgreSQL servers of one's own, a seeded source, and a run of the mapping."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.run import run
from engine.commands.validate import validate
from engine.database.embedded import Embedded, Server, seed
from engine.errors import SettingsError

SOURCE_FILES = Path("init/source")
WAREHOUSE_FILES = Path("init/warehouse")
FOLDER = Path(".demo")
# At the price of the list, so that the check of the totals keeps quiet about it.
ORDER = (
    "INSERT INTO orders (user_id, product_id, quantity, order_date, total) "
    "SELECT 1, product_id, 2, current_date, 2 * price FROM products WHERE product_id = 1"
)
STAR = (
    "SELECT d.year, p.category, count(*) AS orders, sum(f.total) AS revenue FROM fact_orders f "
    "JOIN dim_date d ON d.date_key = f.order_date_key JOIN dim_products p USING (product_key) "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)


def demo(mapping: Path, folder: Path, log: Mapping[str, str | None]) -> None:
    """Validate the mapping, start and fill the servers, run it, and say what to try next.

    The servers go on running, so that what is printed can be typed; `engine demo --stop` ends them.
    When anything fails, those that were started here are stopped again.
    """
    files = {name: sql_files(name) for name in (SOURCE_FILES, WAREHOUSE_FILES)}
    validate((mapping,), {}, connect=False, folder=None)
    servers = Embedded(folder)
    with ExitStack() as undo:
        undo.enter_context(servers)
        for note in servers.notes:
            click.echo(f"note: {note}")
        click.echo(f"two PostgreSQL servers are running, their data is in {folder}")
        origins = ((servers.source, SOURCE_FILES), (servers.warehouse, WAREHOUSE_FILES))
        for server, origin in origins:
            if seed(server, files[origin]):
                click.echo(f"{server.name}: filled from {origin}/*.sql")
            else:
                click.echo(f"{server.name}: there already, with its data")
        click.echo()
        run(mapping, {}, Choice((), full_refresh=False), log, report="text", folder=folder)
        click.echo(what_next(mapping, folder, servers.source, servers.warehouse))
        undo.pop_all()


def sql_files(folder: Path) -> list[Path]:
    """Return a folder's SQL files in order; SettingsError when there are none."""
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise SettingsError(f"no SQL files in {folder}: run `engine demo` in the project's folder")
    return files


def stop(folder: Path) -> None:
    """Stop the servers of a folder; their data stays."""
    if not folder.is_dir():
        raise SettingsError(f"there is no folder {folder}: nothing to stop")
    servers = Embedded(folder)
    if not servers.made():
        raise SettingsError(f"there are no databases of `engine demo` in {folder}: nothing to stop")
    servers.stop()
    places = [_near(place) for place in servers.places()]
    click.echo(f"no server runs in {folder} any more; the data is still there")
    click.echo(f"to be rid of that too: rm -r {shlex.join(places)}")


def called() -> str:
    """Return how this program was called, in a form that can be typed in the present folder."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(_near(Path(sys.executable)))} -m engine"
    found = shutil.which(program.name)
    if found and program.exists() and Path(found).samefile(program):
        return shlex.quote(program.name)
    return shlex.quote(_near(program))


def _near(path: Path) -> str:
    """Return a path relative to the present folder where it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def what_next(mapping: Path, folder: Path, source: Server, warehouse: Server) -> str:
    """Return what a newcomer may type now: each line but the comments is a command."""
    where = "" if folder == FOLDER else f" --folder {shlex.quote(str(folder))}"
    file, program = shlex.quote(str(mapping)), called()
    return f"""
What to try next; the servers go on running.

# look at the star
{warehouse.psql()} -c "{STAR}"

# add an order to the source, then load just that
{source.psql(owner=True)} -c "{ORDER}"
{program} run {file} --embedded{where}

# change the star: edit {file}, then see what a run would do, and do it
{program} plan {file} --embedded{where}
{program} run {file} --embedded{where}

# past runs; and the end of the servers
{program} history --embedded{where}
{program} demo --stop{where}"""
