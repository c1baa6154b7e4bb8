"""dlt: the tables of the source into the schema `raw` of the warehouse; later on, what has changed.

Wants SOURCE and WAREHOUSE (URLs) and STATE (a folder, in which dlt keeps the cursors of the last run).
"""

import os

import dlt
from dlt.sources.sql_database import sql_table

# SQLAlchemy 2.1 takes plain postgresql:// for psycopg 3, which is not installed.
SOURCE = os.environ["SOURCE"].replace("postgresql://", "postgresql+psycopg2://")
KEYS = {"users": "user_id", "products": "product_id", "orders": "order_id"}

pipeline = dlt.pipeline(
    "star",
    destination=dlt.destinations.postgres(os.environ["WAREHOUSE"]),
    dataset_name="raw",
    pipelines_dir=os.environ["STATE"],
)
# connectorx is the fastest of dlt's ways to read, Parquet through ADBC the fastest to write; a table that is
# not there yet is loaded straight, without the staging that a merge needs.
pipeline.run(
    [
        sql_table(
            credentials=SOURCE,
            table=table,
            backend="connectorx",
            reflection_level="full_with_precision",
            incremental=dlt.sources.incremental("updated_at"),
            primary_key=key,
        )
        for table, key in KEYS.items()
    ],
    write_disposition="replace" if pipeline.first_run else "merge",
    loader_file_format="parquet",
)
