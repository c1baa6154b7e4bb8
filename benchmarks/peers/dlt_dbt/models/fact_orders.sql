{{ config(unique_key='order_id', indexes=[{'columns': ['order_id'], 'unique': true}]) }}

select coalesce(d.date_key, -1) as order_date_key,
       coalesce(u.user_key, '-1') as user_key,
       coalesce(p.product_key, '-1') as product_key,
       o.order_id::integer as order_id,
       o.quantity::integer as quantity,
       o.total::numeric(12,2) as total,
       (o.total / nullif(o.quantity, 0))::numeric(12,2) as unit_price,
       (o.total / 1.21)::numeric(12,2) as net_total,
       (o.total - o.total / 1.21)::numeric(12,2) as vat,
       o.updated_at
from {{ source('raw', 'orders') }} as o
left join {{ ref('dim_date') }} as d on d.date = o.order_date
left join {{ ref('dim_users') }} as u on u.user_id = o.user_id
left join {{ ref('dim_products') }} as p on p.product_id = o.product_id
{% if is_incremental() %}
where o.updated_at >= (select max(updated_at) from {{ this }})
{% endif %}
