n/2
-7/2
-7 % 3
mod(7,-3)
m/3
7/2.0
n/nullif(i,0)
1/3.0
0.1 + 0.2
0.06 + 0.01
m * 1.1
m > 0.05
m = 10.00
f * 1.5
f > 0.5
n > 1.5
1.50
div(7,2)
substr(s,0,2)
substr(s,-2)
substr(s,2)
substring(s from 2 for 1)
substring(s from 2)
substring('abcdef' for 2)
strpos(s,'b')
position('b' in s)
left(s,-1)
right(s,-1)
left(s,2)
right(s,2)
length(s)
char_length(s)
octet_length('é')
upper(s)
lower(s)
initcap('ab cd-ef')
reverse(s)
repeat(s,2)
repeat(s,-1)
replace(s,'b','')
translate('12345','143','ax')
lpad(s,5,'*')
rpad(s,5,'xy')
lpad(s,2)
btrim('xxaxx','x')
ltrim('xxa','x')
rtrim('axx','x')
trim(both 'x' from 'xax')
trim(leading 'A' from s)
trim('  a ')
split_part('a,b,c',',',2)
split_part('a,b,c',',',-1)
split_part('a,b,c',',',9)
concat(s,null,'x')
concat('a',1,true)
concat_ws('-',s,null,'x')
s || null
s || 'x'
n::text || s
n || s
s || m
s || d
s || ts
s || b
s || f
ts::text
d::text
m::text
b::text
f::text
n::varchar
'abc'::varchar(2)
'abc'::char(2)
'abc'::char
cast(s as varchar(2))
1.5::int
2.5::int
3.5::int
-2.5::int
m::int
(2.5::float8)::int
(3.5::float8)::int
'5'::int
'yes'::bool
true::int
2.567::decimal
2.567::numeric(10,1)
round(2.5)
round(-2.5)
round(2.5::float8)
round(1.5::float8)
round(m,1)
round(m)
round(n,-1)
trunc(2.57,1)
trunc(-2.5)
ceil(-1.5)
floor(-1.5)
abs(n)
sign(n)
sqrt(4)
cbrt(27.0)
power(2,3)
2^3
6 # 3
n & 3
n | 3
~n
1 << 4
exp(0)
ln(1)
log(100)
log(2,8)
pi()
degrees(pi())
gcd(6,4)
greatest(n,i)
least(n,i,1)
coalesce(n,9)
nullif(n,5)
n is distinct from i
n is not distinct from null
b is true
b is not true
not b
n between 0 and 5
n between symmetric 5 and 0
n in (5,null)
n not in (5,null)
n = any(array[5,0])
case n when 5 then 'a' else 'b' end
case when b then 1 end
s like 'A%'
s like 'A\b%'
s not like 'A%'
s ilike 'a%'
s not ilike 'a%'
s like 'A!b%' escape '!'
'a%b' like 'a!%b' escape '!'
'a_b' like 'a\_b'
'a\b' like 'a\\b'
s similar to 'A%'
s similar to '(A|a)b_'
s not similar to 'A%'
s ~ '^A'
s ~* '^a'
s !~ 'b'
s !~* 'B'
regexp_replace('bbb','b','X')
regexp_replace('bbb','b','X','g')
regexp_replace('ab','(a)(b)','\2\1')
regexp_replace('ab','a','$1')
regexp_replace('aB','b','x','i')
regexp_match(s,'b')
substring(s from '[a-z]+')
regexp_like(s,'b')
regexp_count('abab','a')
starts_with(s,'A')
ascii('A')
chr(65)
md5('a')
to_hex(255)
overlay('abc' placing 'x' from 2 for 1)
string_to_array('a,b',',')
string_to_array('',',')
array_to_string(array[1,2],',')
array_length(array[1,2],1)
cardinality(array[1,2])
array_append(array[1,2],3)
array[1,2] || 3
array[1,2] || array[3]
0 || array[1,2]
(array[1,2,3])[1]
(array[1,2,3])[2:3]
(array[1,2,3])[-1]
array_position(array[1,2],2)
l[1]
l || 5
extract(year from d)
extract(dow from d)
extract(isodow from d)
extract(doy from d)
extract(week from d)
extract(quarter from d)
extract(epoch from ts)
extract(second from ts)
extract(milliseconds from ts)
extract(microseconds from ts)
extract(hour from ts)
extract(isoyear from d)
extract(century from d)
date_part('year',d)
date_part('second',ts)
date_trunc('week',ts)
date_trunc('month',ts)
date_trunc('quarter',ts)
date_trunc('day',ts)
date_trunc('hour',ts)
d + 1
d - 1
d - date '2024-01-01'
d + interval '1 day'
d + interval '1 month'
ts + interval '36 hours'
ts - interval '1 day 2 hours'
ts::date
ts::date - d
d = '2024-01-07'
d > date '2024-01-05'
ts > timestamp '2024-01-01 00:00:00'
timestamp '2024-01-01 10:00:00' + interval '90 minutes'
date '2024-01-31' + interval '1 month'
make_date(2024,2,29)
to_char(ts,'YYYY-MM-DD HH24:MI:SS')
to_char(d,'DD/MM/YY')
to_char(ts,'HH12:MI AM')
to_char(ts,'Day')
to_char(ts,'Month')
to_char(ts,'FMMonth')
to_char(ts,'Q')
to_char(ts,'MS')
to_char(ts,'US')
to_char(ts,'Mon DD')
to_char(ts,'IYYY-IW')
to_char(ts,'DDD')
to_char(ts,'"at" HH24')
to_char(ts,'YYYY-MM-DD"T"HH24:MI')
to_char(n,'999')
to_date('07.01.2024','DD.MM.YYYY')
to_date('20240107','YYYYMMDD')
to_timestamp('2024-01-01 10:20','YYYY-MM-DD HH24:MI')
to_timestamp('2024-01-01 10','YYYY-MM-DD HH24')
to_timestamp(0)
to_timestamp(1.5)
age(ts)
E'a\tb'
$$a'b$$
'a''b'
"s"
n::text
select generate_series(1,3)
select * from generate_series(1,3)
select x from generate_series(1,3) as g(x)
select x from generate_series(1,5,2) as g(x)
select id, unnest(l) from t
select id, generate_series(1,2) from t order by 1, 2
select avg(n), sum(n), count(n), min(n), max(n) from t
select avg(m), sum(m) from t
select stddev(n), variance(n), stddev_pop(n), var_pop(n) from t
select string_agg(s, ',' order by s) from t
select string_agg(distinct s, ',' order by s) from t
select array_agg(n order by id) from t
select array_agg(n order by id) filter (where n is not null) from t
select count(*) filter (where n > 0) from t
select percentile_cont(0.5) within group (order by n) from t
select bool_and(b), bool_or(b) from t
select count(distinct n), count(distinct b) from t
select distinct on (b) b, id from t order by b, id
select upper(s) as s, count(*) c from t group by s order by 1, 2
select -id as id from t order by id
select id from t order by n
select id from t order by n desc
select id from t order by n nulls first, id
select id from t order by s
select id from t limit 2 offset 1
select id from t order by id fetch first 2 rows only
select id, row_number() over (order by id desc) from t order by id
select id, lag(n) over (order by id), lead(n,1,0) over (order by id) from t order by id
select id, sum(n) over (order by id rows between 1 preceding and current row) from t order by id
select b, count(*) from t group by rollup (b) order by 1, 2
select a.id from t a join t b on a.id = b.n order by 1
select a.id from t a left join t b on a.id = b.n where b.id is null order by 1
select id from t where exists (select 1 from t u where u.n = t.id) order by 1
select id from t where n in (select i from t) order by 1
with x as (select 1 a) select a + 1 from x
select * from (values (1,'a'),(2,'b')) v(x,y)
select count(*) from t where s = 'Abc' or d = date '2024-01-07'
select id from t union select 9 order by 1
select id from t except select 1 order by 1
select 1, 1
select id, id from t order by 1
table t
select g from generate_series(1,3) g
select generate_series from generate_series(1,2)
select id, x from t, unnest(l) as u(x) order by 1, 2
select id, u.x + 1 from t cross join lateral unnest(t.l) as u(x) order by 1, 2
select a.id, x from t a join t b on a.id = b.id, unnest(a.l) as x order by 1, 2
select regexp_count('abab', 'a')
select s as "UP" from t order by "UP"
m = f
m > f
coalesce(f, 0.0)
case when f > 0 then f else 0.5 end
greatest(f, 0.5)
case when n > 0 then 0.1 else 0.2 end + 0.2
coalesce(m, 0.5) * 0.1
case n when 5 then 0.1 end
nullif(m, 10.00)
m between 0.05 and 10.00
m in (0.05, 10.00)
f between 0.5 and 2.5
-0.1 - 0.2
n * 0.1
round(m * 0.5, 1)
sum(m) over ()
extract(day from ts) || 'x'
substr(n::text, 1, 1)
left(s, n::int)
extract(year from d) / 3
date_part('year', d) / 3
(7 - extract(month from d)) / 2
extract(year from d)::int / 3
nullif(ceil(m), greatest(f, -0.1))
ceil(9.5)
floor(-0.1)::int
(d + 1) + interval '1 day'
((d + 1) + interval '1 day')::text
select id from t where extract(year from d) = 2024 order by id
round(2) / 3
round(n, 0) / 3
floor(n) / 2
round(n, -1)
sign(n) / 2
2147483647 + 1
3000000000 + 1
9223372036854775807 + 1
-9223372036854775807 - 1
length('日本')
99999999999999999999999999999999 + 1
-9223372036854775809
n + 99999999999999999999
999999999999999999999999999999999999999999999999
1e400
select id from t where d > 5
select id from t where ts between 1 and 5
select id from t where d - date '2024-01-01' > 5 and d > '2024-01-01'
select percentile_cont(0.9) within group (order by m) from t
select percentile_cont(0.25) within group (order by m) from t
