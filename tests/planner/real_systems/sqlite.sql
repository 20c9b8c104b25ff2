n/2
-7/2
1/0
1%0
-7%3
1.0/0
7.5 % 2
m/3
f/2
SUBSTR(s,0,2)
SUBSTR(s,-2)
SUBSTR(s,-2,1)
substr(s,3,-1)
instr(s,'b')
length(s)
length(n)
upper('é')
lower('É')
s || n
s || 1.0
s || f
s || NULL
CAST(f AS text)
CAST('abc' AS integer)
CAST('12abc' AS integer)
CAST('1.9' AS integer)
CAST(1.9 AS integer)
CAST(-1.9 AS integer)
CAST('abc' AS real)
CAST('3.5xyz' AS real)
CAST(n AS text)
CAST('2024-01-01' AS date)
CAST(5 AS numeric)
CAST('5.5' AS numeric)
CAST(2.5 AS varchar)
s LIKE 'a%'
s LIKE 'A\b%'
s LIKE 'É%'
'É' LIKE 'é'
s GLOB 'A*'
s NOT LIKE 'a%'
s = 'ABC' COLLATE NOCASE
'1' = 1
n = '5'
n = 5.0
n < 'a'
n = 'x'
'10' < '9'
10 < '9'
s + 1
'5' + 1
'abc' + 1
-s
round(f)
round(2.5)
round(-2.5)
round(2.567,1)
round(n)
typeof(n)
abs(n)
max(n,i)
min(n,i)
max(n,i,1)
ifnull(n,9)
coalesce(n,9)
nullif(n,5)
iif(b,1,2)
total(n)
hex('a')
printf('%d',n)
char(65)
unicode('A')
replace(s,'b','x')
trim(s,'A')
ltrim(s,'A')
date(ts)
date('2024-01-01','+1 day')
datetime('2024-01-01 10:00:00','+1 month')
strftime('%Y',ts)
strftime('%Y-%m',d)
strftime('%w',d)
strftime('%j',d)
strftime('%W',d)
strftime('%s',ts)
strftime('%f',ts)
julianday(d)
d > '2024-01-05'
n IN ('5')
n IN (5,'a')
n IS 5
n IS NOT 5
n IS NULL
n == 5
n <> 5
b = 1
b
NOT n
NOT b
n AND 1
n OR 0
5 AND 3
TRUE
TRUE = 1
n IS TRUE
n & 3
n | 3
n << 1
n >> 1
~n
1 << 70
abs(-5)
sign(n)
pow(2,3)
sqrt(-1)
ln(0)
exp(1)
log(10)
log(2,8)
ceil(1.2)
floor(-1.2)
trunc(-1.2)
mod(-7,3)
pi()
likely(n)
quote(s)
zeroblob(2)
x'41'
'a''b'
"s"
"nosuch"
`s`
[s]
1e3
0x1F
group_concat(s)
random() IS NOT NULL
CASE n WHEN 5 THEN 'a' ELSE 'b' END
n BETWEEN '0' AND '9'
SELECT group_concat(s) FROM t
SELECT group_concat(n, '|') FROM t
SELECT group_concat(DISTINCT n) FROM t
SELECT sum(n), avg(n), total(n), count(n) FROM t
SELECT sum(n) FROM t WHERE 0
SELECT avg(i) FROM t
SELECT max(s), min(s) FROM t
SELECT s, max(n) FROM t
SELECT s, n FROM t GROUP BY b
SELECT DISTINCT b FROM t ORDER BY b
SELECT id FROM t ORDER BY s
SELECT id FROM t ORDER BY s DESC
SELECT id FROM t ORDER BY s COLLATE NOCASE, id
SELECT id FROM t ORDER BY n LIMIT 2
SELECT id FROM t ORDER BY id LIMIT 1, 2
SELECT id FROM t ORDER BY id LIMIT -1
SELECT id FROM t ORDER BY id LIMIT -1 OFFSET 2
SELECT id FROM t WHERE n
SELECT id FROM t WHERE s
SELECT id FROM t WHERE 1
SELECT id FROM t WHERE f
SELECT n AS x FROM t WHERE x > 0
SELECT id, count(*) OVER () FROM t ORDER BY id
SELECT id FROM t ORDER BY n NULLS LAST
SELECT id FROM t UNION SELECT 9 ORDER BY 1
SELECT id FROM t EXCEPT SELECT 1 ORDER BY 1
SELECT count(*) FILTER (WHERE n>0) FROM t
SELECT s FROM t WHERE s IN ('ABC','Abc')
SELECT id FROM t WHERE (n,i) = (5,7)
SELECT id FROM t WHERE n = (SELECT max(n) FROM t)
SELECT 'a' = 'A', 'a' < 'B'
SELECT 1 = 1, 2 > 1
SELECT NULL IS NULL
SELECT 3 + TRUE
SELECT total(n) FROM t
VALUES (1,'a'),(2,'b')
m = f
coalesce(f, 0.0)
case when f > 0 then f else 0.5 end
case n when 5 then 0.1 end
substr(s, n)
substr(s, n, 2)
substr(s, 2, n)
substr(12345, 2, 2)
case when n then 'y' else 'n' end
iif(n, 1, 2)
n and i
not n
replace(s, '', n)
replace(s, '', null)
floor(n) / 2
ceil(7) / 2
sign(n) / 2
round(7) / 2
9223372036854775807 + 1
2147483647 + 1
length('日本')
with x as (select 1 as a union all select a + 1 from x where a < 3) select a from x order by a
99999999999999999999999999999999
select id from t where d > 5
