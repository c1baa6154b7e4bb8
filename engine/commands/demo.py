"""engine demo: two PostgreSQL servers of one's own, a seeded source, and a run of the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.run import run
from engine.commands.validate import validate
from engine.database.embedded import Embedded, Server, seed
from engine.errors import SettingsError

SOURCE_FILES = Path("init/source")
WAREHOUSE_FILES = Path("init/warehouse")


def demo(mapping: Path, folder: Path, log: Mapping[str, str | None]) -> None:
    """Validate the mapping, start and fill the servers, run it, and say what to try next.

    The servers go on running, so that what is printed can be typed; `engine demo --stop` ends them.
    """
    files = {name: sql_files(name) for name in (SOURCE_FILES, WAREHOUSE_FILES)}
    validate((mapping,), {}, connect=False, folder=None)
    servers = Embedded(folder)
    servers.start()
    for note in servers.notes:
        click.echo(note)
    click.echo(f"two PostgreSQL servers are running, their data is in {folder}")
    for server, origin in ((servers.source, SOURCE_FILES), (servers.warehouse, WAREHOUSE_FILES)):
        if seed(server, files[origin]):
            click.echo(f"{server.name}: filled from {origin}")
        else:
            click.echo(f"{server.name}: as it was left")
    click.echo()
    run(mapping, {}, Choice((), full_refresh=False), log, report="text", folder=folder)
    click.echo(what_next(mapping, folder, servers.source, servers.warehouse))


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
    Embedded(folder).stop()
    click.echo(f"stopped; the data is still in {folder}, and may be deleted")


def what_next(mapping: Path, folder: Path, source: Server, warehouse: Server) -> str:
    """Return what a newcomer may type now."""
    options = "--embedded" + ("" if folder == Path(".demo") else f" --folder {folder}")
    order = (
        "INSERT INTO orders (user_id, product_id, quantity, order_date, total) "
        "VALUES (1, 1, 2, current_date, 10)"
    )
    star = (
        "SELECT d.year, p.category, sum(f.total) FROM fact_orders f JOIN dim_date d ON d.date_key = "
        "f.order_date_key JOIN dim_products p USING (product_key) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return f"""
Try next:
  look at the star     {warehouse.psql()} -c "{star}"
  look at the source   {source.psql()}
  add an order         {source.psql(owner=True)} -c "{order}"
  load just that       engine run {mapping} {options}
  see what a run does  engine plan {mapping} {options} --sql
  change the star      edit {mapping}, then engine validate {mapping} and run again
  past runs            engine history {options}
  stop the servers     engine demo --stop{"" if folder == Path(".demo") else f" --folder {folder}"}"""
