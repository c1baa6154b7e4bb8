"""engine demo: two PostgreSQL servers of one's own, a seeded source, and a run of the mapping."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.run import run
from engine.commands.validate import validate
from engine.database.embedded import Embedded, seed
from engine.errors import ArgumentError, LateInterruptError
from engine.mapping.load import load

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


def demo(
    mapping: Path, folder: Path, log: Mapping[str, str | None], data: Path | None = None
) -> None:
    """Validate the mapping, start and fill the servers, run it, and say what to try next.

    `data` is a folder with other SQL for the source; the warehouse is left to the run then.
    The servers go on running, so that what is printed can be typed; `engine demo --stop` ends them.
    When anything fails, those that were started here are stopped again; what has become of them is said.
    """
    if data and not data.is_dir():
        raise ArgumentError(f"--seed: there is no folder {data}")
    folders = (SOURCE_FILES, WAREHOUSE_FILES) if data is None else (data,)
    files = [sql_files(name) for name in folders]
    validate((mapping,), {}, connect=False, folder=None)
    servers = Embedded(folder)
    with _running(servers, folder):
        for note in servers.notes:
            click.echo(f"note: {note}")
        click.echo(f"two PostgreSQL servers are running, their data is in {folder}")
        both = (servers.source, servers.warehouse)
        for server, origin, sql in zip(both, folders, files, strict=False):
            if seed(server, sql):
                click.echo(f"{server.name}: filled from {origin}/*.sql")
            else:
                click.echo(f"{server.name}: there already, with its data")
                if data:
                    click.echo(f"note: {unused(data)}")
        click.echo()
        run(mapping, {}, Choice((), full_refresh=False), log, report="text", folder=folder)
        try:
            click.echo(what_next(mapping, folder, servers, shop=data is None))
        except KeyboardInterrupt:
            raise LateInterruptError from None


@contextmanager
def _running(servers: Embedded, folder: Path) -> Iterator[None]:
    """Start the servers and let them run on; when anything fails, end what was started, and say so."""
    begun = False
    try:
        with ExitStack() as undo:
            undo.enter_context(servers)
            begun = True
            yield
            undo.pop_all()
    except BaseException:
        if begun:
            with suppress(OSError):  # why it failed is to be heard in any case
                click.echo(what_is_left(folder, running=servers.running()), err=True)
        raise


def unused(data: Path) -> str:
    """Say why the SQL of a folder was not run."""
    return (
        f"--seed {data} is not used: the databases have their data; for other data, "
        "give it a --folder of its own"
    )


def what_is_left(folder: Path, *, running: bool) -> str:
    """Return what has become of the servers of a demo that failed."""
    if running:
        return f"the two servers go on running; `{called()} demo --stop{_where(folder)}` ends them"
    return f"the two servers are stopped again; their data stays in {folder}"


def sql_files(folder: Path) -> list[Path]:
    """Return a folder's SQL files in order; ArgumentError when there are none."""
    files = sorted(folder.glob("*.sql"))
    if not files:
        own = folder in (SOURCE_FILES, WAREHOUSE_FILES)
        hint = ": run `engine demo` in the project's folder" if own else ""
        raise ArgumentError(f"no SQL files in {folder}{hint}")
    return files


def stop(folder: Path) -> None:
    """Stop the servers of a folder; their data stays."""
    if not folder.is_dir():
        raise ArgumentError(f"there is no folder {folder}: nothing to stop")
    servers = Embedded(folder)
    if not servers.made():
        raise ArgumentError(f"there are no databases of `engine demo` in {folder}: nothing to stop")
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


def _where(folder: Path) -> str:
    """Return the option that names the folder of the databases, with a blank before it."""
    return "" if folder == FOLDER else f" --folder {shlex.quote(str(folder))}"


def what_next(mapping: Path, folder: Path, servers: Embedded, *, shop: bool) -> str:
    """Return what a newcomer may type now: each line but the comments is a command.

    `shop` says that the source is the shop of init/source, of which more can be shown.
    """
    where, file, program = _where(folder), shlex.quote(str(mapping)), called()
    source, warehouse = servers.source.psql(owner=True), servers.warehouse.psql()
    schema = load(mapping).star.connection("warehouse").schema
    look = f'-c "{STAR}"' if shop else "-c " + shlex.quote(rf'\dt "{schema}".*')
    lines = ["What to try next; the servers go on running.", "# look at the star"]
    lines += [f"{warehouse} {look}"]
    if shop:
        lines += ["# add an order to the source, then load just that", f'{source} -c "{ORDER}"']
    else:
        lines += ["# change the source, then load just what is new", source]
    lines += [f"{program} run {file} --embedded{where}"]
    lines += [f"# change the star: edit {file}, then see what a run would do, and do it"]
    lines += [f"{program} {word} {file} --embedded{where}" for word in ("plan", "run")]
    lines += ["# past runs; and the end of the servers", f"{program} history --embedded{where}"]
    lines += [f"{program} demo --stop{where}"]
    return "\n".join(f"\n{line}" if line.startswith(("What", "#")) else line for line in lines)
