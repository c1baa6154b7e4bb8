{{ config(unique_key='user_id', indexes=[{'columns': ['user_key'], 'unique': true},
                                         {'columns': ['user_id'], 'unique': true}]) }}

select md5(user_id::text) as user_key,
       user_id::integer as user_id,
       name::varchar(100) as name,
       lower(email) as email,
       split_part(lower(email), '@', 2) as email_domain,
       coalesce(city, 'Unknown')::varchar(100) as city,
       created_at::timestamp as created_at,
       updated_at
from {{ source('raw', 'users') }}
{% if is_incremental() %}
where updated_at >= (select max(updated_at) from {{ this }})
{% else %}
union all
select '-1', null, 'Unknown', null, null, 'Unknown', null, null
{% endif %}
