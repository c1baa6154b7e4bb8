{{ config(unique_key='product_id', indexes=[{'columns': ['product_key'], 'unique': true},
                                            {'columns': ['product_id'], 'unique': true}]) }}

select md5(product_id::text) as product_key,
       product_id::integer as product_id,
       name::varchar(100) as name,
       coalesce(category, 'Uncategorised')::varchar(50) as category,
       price::numeric(10,2) as price,
       case when price < 20 then 'low' when price < 100 then 'middle' else 'high' end as price_band,
       updated_at
from {{ source('raw', 'products') }}
{% if is_incremental() %}
where updated_at >= (select max(updated_at) from {{ this }})
{% else %}
union all
select '-1', null, 'Unknown', 'Unknown', null, null, null
{% endif %}
