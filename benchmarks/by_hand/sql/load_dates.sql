CREATE TABLE dim_date (
    date_key integer NOT NULL, date date, year integer, quarter smallint, month smallint,
    month_name text, week smallint, iso_year integer, day smallint, day_of_week smallint,
    day_name text, day_of_year smallint, week_start date, month_start date, is_weekend boolean,
    fiscal_year integer, fiscal_quarter smallint, fiscal_month smallint
);

INSERT INTO dim_date
SELECT to_char(d, 'YYYYMMDD')::integer,
       d,
       extract(year FROM d),
       extract(quarter FROM d),
       extract(month FROM d),
       to_char(d, 'FMMonth'),
       extract(week FROM d),
       extract(isoyear FROM d),
       extract(day FROM d),
       extract(isodow FROM d),
       to_char(d, 'FMDay'),
       extract(doy FROM d),
       date_trunc('week', d),
       date_trunc('month', d),
       extract(isodow FROM d) > 5,
       extract(year FROM d + INTERVAL '9 months'),
       extract(quarter FROM d - INTERVAL '3 months'),
       extract(month FROM d - INTERVAL '3 months')
FROM generate_series(TIMESTAMP '2020-01-01', '2030-12-31', '1 day') AS d;

INSERT INTO dim_date (date_key, month_name, day_name) VALUES (-1, 'Unknown', 'Unknown');
ALTER TABLE dim_date ADD PRIMARY KEY (date_key);
CREATE UNIQUE INDEX ON dim_date (date);
