n/2
n//2
-7 // 2
i // 2
f // 1
f % 2
-7 % 3
m/3
m // 3
7 // 0
1 % 0
1/0
n % 0
0.0/0
SUBSTR(s,0,2)
SUBSTR(s,-2)
SUBSTRING(s,-2,1)
SUBSTRING(s,0)
substr(s,2,-1)
instr(s,'b')
s[1]
s[1:2]
s[-1]
s[0]
l[1]
l[0]
l[-1]
l[1:2]
l[2:]
l[:-1]
list_extract(l,1)
left(s,-1)
right(s,-1)
left(s,1)
len(s)
len(l)
length(l)
array_length(l)
list_contains(l,2)
list_position(l,2)
array_position(l,9)
list_sort(l)
list_reverse_sort(l)
list_sum(l)
list_min(l)
list_distinct(l)
list_concat(l,[5])
l || [5]
list_append(l,5)
list_slice(l,1,2)
strlen(s)
bit_length('é')
ord('é')
ascii('é')
chr(233)
unicode('é')
lpad(s,5,'*')
lpad(s,2,'*')
rpad(s,5,'xy')
repeat(s,2)
replace(s,'b','')
replace(s,'','x')
reverse(s)
split_part('a,b,c',',',2)
split_part('a,b,c',',',-1)
split_part('a,b,c',',',0)
split('a,b',',')
string_split('a,b',',')
str_split('a,b','')
trim('  x ')
ltrim('xxa','x')
concat(s,null,'x')
concat_ws('-',s,null,'x')
s || null
s || n
s || 1.5
s || f
s || b
s || d
s || ts
CAST(f AS varchar)
CAST(b AS varchar)
CAST(ts AS varchar)
CAST(d AS varchar)
CAST(m AS varchar)
CAST(1e20 AS varchar)
CAST(1.0::double AS varchar)
CAST(0.1::float AS varchar)
CAST(1.5 AS int)
CAST(2.5 AS int)
CAST(-1.5 AS int)
CAST(f AS int)
try_cast(f as int)
f::int
m::int
CAST('1.5' AS int)
CAST(' 7 ' AS int)
CAST('abc' as int)
TRY_CAST('abc' as int)
try_cast('1.7' as int)
CAST('t' AS boolean)
CAST('yes' AS boolean)
CAST('1' AS boolean)
CAST(2 AS boolean)
CAST(b AS int)
CAST('2024-01-07' AS timestamp)
CAST(ts AS date)
CAST(ts AS time)
CAST('12:34:56' AS time)
CAST(s AS varchar(2))
s LIKE 'a%'
s ILIKE 'a%'
s LIKE 'A\b%'
s LIKE 'A!b%' ESCAPE '!'
s SIMILAR TO 'A.c'
s SIMILAR TO 'Ab'
s GLOB 'A*'
s ~ 'b'
s ~ 'Abc'
s !~ 'b'
regexp_matches(s,'b')
regexp_full_match(s,'b')
regexp_full_match(s,'A.*')
regexp_extract(s,'b')
regexp_extract(s,'(b)',1)
regexp_extract(s,'x')
regexp_extract(s,'(A)(b)',2)
regexp_replace(s,'b','X')
regexp_replace('bbb','b','X')
regexp_replace('bbb','b','X','g')
regexp_replace('ab','(a)(b)','\2\1')
regexp_matches(s,'B','i')
regexp_split_to_array('a1b2','\d')
regexp_extract_all('a1b2','\d')
s COLLATE NOCASE = 'ABC'
ifnull(n,9)
coalesce(n,9)
nullif(n,5)
if(b,1,2)
case when b then 1 end
greatest(n,i)
least(n,i,1)
greatest(f,1)
n IS DISTINCT FROM i
b IS TRUE
b IS NOT TRUE
xor(n,i)
n & 3
n | 3
n >> 1
~n
2^3
2**3
pow(n,2)
sqrt(-1)
sqrt(4)
log(10)
log(2,8)
log10(100)
log2(8)
exp(1)
round(f)
round(2.5)
round(-2.5)
round(2.567,1)
round(1234.5,-2)
round(m,1)
round(n,-1)
ceil(f)
floor(f)
trunc(f)
trunc(2.567)
sign(f)
abs(n)
mod(-7,3)
factorial(5)
gcd(6,4)
even(3)
cbrt(27)
degrees(1)
pi()
isnan(f)
isinf(f)
isfinite(f)
f = 'nan'::double
f > 100
f < 100
date_diff('day',d,DATE '2024-03-01')
datediff('week',d,DATE '2024-03-01')
datediff('month',d,DATE '2024-03-01')
datediff('year',d,DATE '2024-03-01')
datediff('hour',ts,TIMESTAMP '2024-03-01')
date_sub('month',d,DATE '2024-03-01')
date_sub('hour',ts,TIMESTAMP '2024-03-01')
datesub('year',d,DATE '2024-03-01')
d - DATE '2024-01-01'
d + 1
d - 1
d + INTERVAL 1 MONTH
d + INTERVAL '1 month'
ts + INTERVAL 36 HOUR
ts - TIMESTAMP '2024-01-01'
date_add(d, INTERVAL 1 DAY)
date_trunc('week',d)
date_trunc('month',d)
date_trunc('month',ts)
date_trunc('decade',ts)
date_trunc('isoyear',ts)
date_part('dow',d)
date_part('isodow',d)
date_part('week',d)
date_part('epoch',ts)
date_part('second',ts)
date_part('millisecond',ts)
date_part('microsecond',ts)
date_part('quarter',d)
date_part('century',d)
date_part('decade',d)
date_part('isoyear',d)
date_part('yearweek',d)
date_part(['year','month'],d)
extract('year' from d)
extract(dow from d)
extract(second from ts)
extract(epoch from ts)
dayofweek(d)
isodow(d)
weekofyear(d)
week(d)
weekday(d)
yearweek(d)
dayname(d)
monthname(d)
dayofyear(d)
last_day(d)
last_day(ts)
year(d)
month(d)
day(d)
hour(ts)
second(ts)
minute(ts)
quarter(d)
century(d)
epoch(ts)
epoch_ms(ts)
epoch_us(ts)
to_timestamp(0)
make_date(2024,2,29)
make_timestamp(2024,2,29,1,2,3.5)
make_time(1,2,3.5)
strftime(ts,'%Y-%m-%d %H:%M:%S')
strftime(d,'%d/%m/%y')
strftime(ts,'%A %B %j %-d %I %p %f')
strptime('2024-01-02','%Y-%m-%d')
strptime('02/01/24 13:14','%d/%m/%y %H:%M')
time_bucket(INTERVAL 1 DAY, ts)
age(ts)
age(TIMESTAMP '2024-03-01',ts)
today() = current_date
current_date = today()
md5(s)
sha256(s)
hash(s) is null
base64('a'::blob)
hex('a')
to_hex(255)
hex(255)
bin(5)
format('{} x', s)
printf('%d', n)
position('b' in s)
strpos(s,'b')
starts_with(s,'A')
s ^@ 'A'
prefix(s,'A')
suffix(s,'c')
ends_with(s,'c')
contains(s,'b')
contains(l,2)
levenshtein(s,'abc')
damerau_levenshtein(s,'abc')
hamming('abc','abd')
jaccard('abc','abd')
lower('ÄÖ')
initcap('a b')
lcase(s)
translate('abc','ab','x')
md5('x')
concat('a',1,null)
n BETWEEN 0 AND 5
n IN (5,null)
n NOT IN (5,null)
5 IN l
struct_pack(a:=1).a
{'a':1}.a
{'a':1}['a']
map([1],[2])[1]
map {'a':1}['a']
list_transform(l,x->x+1)
[x+1 for x in l]
list_filter(l,x->x>1)
range(3)
generate_series(1,3)
list_aggregate(l,'sum')
array_to_string(l,',')
list_unique(l)
flatten([[1],[2]])
typeof(n)
1::hugeint
'x'::blob
encode('é')
decode('a'::blob)
DATE '2024-01-01'
TIME '12:00'
TIMESTAMPTZ '2024-01-01 00:00:00+00'
ts AT TIME ZONE 'UTC'
ts AT TIME ZONE 'Europe/Berlin'
1e3
0x1F
E'a\nb'
$$a'b$$
'a''b'
'a\nb'
select id, x from t, unnest(l) as u(x) order by 1, 2
select u.x from t cross join unnest(t.l) as u(x) where u.x > 1 order by 1
select * from t, unnest(l) as u(x) order by id, x
select range from range(3)
select generate_series from generate_series(1,2)
select n*2 as x, x+1 as y from t order by id
select n as x from t where x > 0
select n as i, i+1 as y from t order by id
select sum(n) as x, x / 2 as y from t
select a.id from t a anti join t b on a.id = b.n order by 1
select a.id from t a semi join t b on a.id = b.n order by 1
select quantile_cont(n, 0.5) from t
select avg(m), avg(n), sum(m) from t
from t select id order by id
select * exclude (l) from t order by id
select * replace (id * 2 as id) from t order by 1
select b, count(*) from t group by all order by all
select count() from t
select sum(n) filter (n > 0) from t
select id from t union by name select 9 as id order by 1
select first(n order by id desc) from t
select arg_max(id, n), arg_min(id, n) from t
select list(id order by id desc) from t
select string_agg(s, ',' order by s) from t
select distinct on (b) b, id from t order by b, id
select id, row_number() over (order by id) r from t qualify r < 3 order by id
select id from t where s in ('Abc', 'x') or n not in (5, 7) order by id
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
0.1 + 0.2
-0.1 - 0.2
n * 0.1
round(m * 0.5, 1)
substr(s, n::int)
substr(s, n::int, 2)
select any_value(n) from t where id > 2
select any_value(n order by id desc) from t
list_reverse(l)
reverse(l::varchar)
upper(s) || lower(s)
list_concat(l, l)
concat(l, [9])
ceil(9.5)
floor(-0.1)::int
nullif(ceil(m), greatest(f, -0.1))
(d + 1) + interval '1 day'
extract(year from d) / 3
floor(n) // 2
ceil(n)
sign(n)
round(n) // 2
2147483647 + 1
1000000 * 1000000
3000000000 + 1
9223372036854775807 + 1
date_sub('month', date '2024-01-31', date '2024-02-29')
length('日本')
99999999999999999999999999999999
-99999999999999999999999999999999
18446744073709551615
-9223372036854775809
n + 99999999999999999999
1e400
select id from t where d > 5
select id from t where ts between 1 and 5
select id from t where d in (1, 2)
