select a.attname, format_type(a.atttypid, a.atttypmod)
from pg_attribute as a
where a.attrelid = to_regclass({{ step.table | table | literal }}) and a.attnum > 0 and not a.attisdropped
