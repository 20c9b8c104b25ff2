SELECT id, (SELECT title FROM depts d WHERE d.id = p.dept) FROM people p
SELECT id, (SELECT max(k) FROM solid WHERE k <= id) FROM people
SELECT id, (SELECT max(k) FROM solid WHERE k = id) FROM people
SELECT id, (SELECT count(*) FROM solid WHERE k = id) FROM people
SELECT id, (SELECT count(*) + 1 FROM solid WHERE k = id) FROM people
SELECT id, (SELECT count(k) * 2 FROM gaps WHERE k = p.boss) FROM people p
SELECT id, (SELECT coalesce(sum(k), 7) FROM gaps WHERE k = p.boss) FROM people p
SELECT id, (SELECT coalesce(max(k), 7) FROM gaps WHERE k = p.boss) + 1 FROM people p
SELECT id, (SELECT CASE WHEN count(*) = 0 THEN 'none' ELSE 'some' END FROM gaps WHERE k = p.boss) FROM people p
SELECT id, (SELECT count(*) FROM solid WHERE k < id) FROM people
SELECT id, (SELECT k FROM solid WHERE k > id ORDER BY k LIMIT 1) FROM people
SELECT id, (SELECT k FROM solid WHERE k = id ORDER BY k LIMIT 1) FROM people
SELECT id, (SELECT k FROM solid WHERE k = id LIMIT 1) FROM people
SELECT id, (SELECT DISTINCT k FROM solid WHERE k = id) FROM people
SELECT id FROM people p WHERE (SELECT count(*) FROM solid s WHERE s.k = p.id) = 0
SELECT id FROM people p WHERE (SELECT count(*) FROM solid s WHERE s.k = p.id) = 0 OR p.dept = 1
SELECT id FROM people p WHERE NOT (SELECT count(*) FROM solid s WHERE s.k = p.id) > 0
SELECT id FROM people p WHERE (SELECT max(k) FROM solid s WHERE s.k = p.id) IS NULL
SELECT id FROM people p WHERE (SELECT count(*) FROM solid s WHERE s.k = p.id HAVING count(*) > 1) IS NULL
SELECT id FROM people p WHERE id > (SELECT count(*) FROM gaps s WHERE s.k = p.dept AND s.k > 1)
SELECT id FROM people WHERE id > (SELECT sum(k) FROM solid WHERE k > id)
SELECT id FROM people WHERE id > (SELECT min(k) FROM solid WHERE k <> id)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id)
SELECT id FROM people p WHERE NOT EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id) OR p.dept = 3
SELECT id FROM people p WHERE NOT EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id) OR p.dept = 3
SELECT id FROM people p WHERE NOT (EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id) AND p.dept = 3)
SELECT id, EXISTS (SELECT 1 FROM solid WHERE k = id) FROM people
SELECT id, EXISTS (SELECT 1 FROM solid WHERE k > 5) FROM people
SELECT id, NOT EXISTS (SELECT 1 FROM solid WHERE k > 5) FROM people
SELECT id, id IN (SELECT k FROM solid) FROM people
SELECT id, dept IN (SELECT k FROM gaps) FROM people
SELECT id, dept NOT IN (SELECT k FROM gaps) FROM people
SELECT id, dept NOT IN (SELECT k FROM void) FROM people
SELECT id, dept IN (SELECT k FROM gaps g WHERE g.k > p.id) FROM people p
SELECT id FROM people p WHERE dept IN (SELECT k FROM gaps g WHERE g.k > p.id)
SELECT id FROM people p WHERE dept NOT IN (SELECT k FROM gaps g WHERE g.k > p.id)
SELECT id FROM people p WHERE dept NOT IN (SELECT k FROM gaps g WHERE g.k = p.boss)
SELECT id FROM people p WHERE dept NOT IN (SELECT k FROM gaps g)
SELECT id FROM people p WHERE dept NOT IN (SELECT k FROM gaps g) OR id = 1
SELECT id FROM people p WHERE dept IN (SELECT k FROM gaps g) OR id = 4
SELECT id FROM people p WHERE (dept IN (SELECT k FROM gaps g)) IS NULL
SELECT id FROM people p WHERE CASE WHEN id > 3 THEN EXISTS (SELECT 1 FROM solid s WHERE s.k = p.id) ELSE true END
SELECT id, CASE WHEN id > 3 THEN (SELECT max(k) FROM solid s WHERE s.k < p.id) ELSE 0 END FROM people p
SELECT id, CASE WHEN EXISTS (SELECT 1 FROM solid s WHERE s.k = p.id) THEN 'y' ELSE 'n' END FROM people p
SELECT id FROM people p ORDER BY (SELECT count(*) FROM solid s WHERE s.k < p.id), id
SELECT id FROM people p ORDER BY (SELECT title FROM depts d WHERE d.id = p.dept) NULLS LAST, id
SELECT dept, count(*) FROM people p GROUP BY dept HAVING count(*) > (SELECT count(*) FROM depts d WHERE d.id < p.dept)
SELECT dept, (SELECT title FROM depts d WHERE d.id = p.dept) FROM people p GROUP BY dept
SELECT dept, (SELECT count(*) FROM depts d WHERE d.id < p.dept) FROM people p GROUP BY dept
SELECT dept, (SELECT title FROM depts d WHERE d.id = dept), count(*) FROM people GROUP BY dept
SELECT sum((SELECT count(*) FROM solid s WHERE s.k < p.id)) FROM people p
SELECT p.id, d.id FROM people p JOIN depts d ON p.dept = d.id AND EXISTS (SELECT 1 FROM solid s WHERE s.k = p.id)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON d.id = (SELECT min(s.k) FROM solid s WHERE s.k >= p.id)
SELECT p.id, d.id FROM people p JOIN depts d ON d.id = (SELECT min(s.k) FROM solid s WHERE s.k >= p.id)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM people q WHERE q.boss = p.id AND EXISTS (SELECT 1 FROM solid s WHERE s.k = p.dept))
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM people q WHERE q.boss = p.id AND EXISTS (SELECT 1 FROM solid s WHERE s.k = q.id))
SELECT id, (SELECT count(*) FROM people q WHERE q.boss = p.id AND q.id IN (SELECT k FROM gaps g WHERE g.k > p.dept)) FROM people p
SELECT * FROM people p CROSS JOIN LATERAL (SELECT max(k) FROM solid s WHERE s.k < p.id) t
SELECT p.id, t.* FROM people p LEFT JOIN LATERAL (SELECT title FROM depts d WHERE d.id < p.dept ORDER BY d.id DESC LIMIT 1) t ON true
SELECT p.id, t.m FROM people p, LATERAL (SELECT max(k) AS m FROM solid s WHERE s.k < p.id) t
SELECT p.id, t.m FROM people p, LATERAL (SELECT max(k) AS m FROM solid s WHERE s.k = p.id) t
SELECT p.id, t.m FROM people p, LATERAL (SELECT count(*) AS m FROM solid s WHERE s.k = p.id) t
SELECT p.id, t.m FROM people p LEFT JOIN LATERAL (SELECT count(*) AS m FROM solid s WHERE s.k = p.id) t ON true
SELECT p.id, t.m FROM people p, LATERAL (SELECT p.id + 1 AS m) t
SELECT p.id, t.k FROM people p, LATERAL (SELECT k FROM solid UNION ALL SELECT p.dept) t
SELECT p.id, t.k FROM people p, LATERAL (SELECT DISTINCT k FROM gaps WHERE k = p.dept) t
SELECT p.id, t.k, t.r FROM people p, LATERAL (SELECT k, row_number() OVER (ORDER BY k) AS r FROM solid WHERE k >= p.id) t
SELECT id FROM people WHERE id = ANY (SELECT k FROM solid WHERE k > dept)
SELECT id FROM people WHERE id >= ALL (SELECT k FROM gaps WHERE k < dept)
SELECT id FROM people WHERE dept > ANY (SELECT k FROM gaps)
SELECT id, dept > ANY (SELECT k FROM gaps) FROM people
SELECT id, dept <= ALL (SELECT k FROM gaps) FROM people
SELECT id FROM people WHERE dept <= ALL (SELECT k FROM gaps)
SELECT id FROM people WHERE NOT dept > ANY (SELECT k FROM gaps)
SELECT id FROM people WHERE NOT dept <= ALL (SELECT k FROM gaps)
SELECT id FROM people WHERE dept > ALL (SELECT k FROM void)
SELECT id FROM people WHERE dept > ANY (SELECT k FROM void)
SELECT a, b FROM nums n WHERE (a, b) IN (SELECT id, dept FROM people)
SELECT a, b FROM nums n WHERE (a, b) NOT IN (SELECT k, k FROM gaps)
SELECT a, (SELECT count(*) FROM nums m WHERE m.a = n.a) FROM nums n
SELECT a, (SELECT count(*) FROM nums m WHERE m.a IS NOT DISTINCT FROM n.a) FROM nums n
SELECT a, (SELECT sum(m.b) FROM nums m WHERE m.a = n.a AND m.b < n.b) FROM nums n
SELECT a, (SELECT n.b) FROM nums n
SELECT a, (SELECT n.b + max(k) FROM gaps) FROM nums n
SELECT a, (SELECT max(n.b + k) FROM gaps) FROM nums n
SELECT a, (SELECT k FROM gaps WHERE k = n.a AND k = 1) FROM nums n
SELECT a, (SELECT count(DISTINCT k) FROM gaps WHERE k >= n.a) FROM nums n
SELECT a, (SELECT string_agg(name, ',' ORDER BY name) FROM people WHERE dept = n.a) FROM nums n
SELECT a, (SELECT array_agg(id ORDER BY id) FROM people WHERE dept > n.a) FROM nums n
SELECT id FROM people p WHERE pay > (SELECT avg(pay) FROM people q WHERE q.dept = p.dept)
SELECT id FROM people p WHERE pay > (SELECT avg(pay) FROM people q WHERE q.dept <> p.dept)
SELECT id FROM people p WHERE pay = (SELECT max(pay) FROM people q WHERE q.dept = p.dept OR q.boss = p.id)
SELECT id FROM people p WHERE 1 = (SELECT count(*) FROM people q WHERE q.dept = p.dept GROUP BY q.dept)
SELECT id FROM people p WHERE 1 < (SELECT count(*) FROM people q WHERE q.dept = p.dept GROUP BY q.boss ORDER BY 1 DESC LIMIT 1)
SELECT id FROM people p WHERE (SELECT count(*) FROM (SELECT DISTINCT k FROM gaps g WHERE g.k >= p.dept) x) > 0
SELECT id FROM people p WHERE EXISTS (SELECT k FROM gaps WHERE k = p.dept INTERSECT SELECT k FROM solid WHERE k < p.id)
SELECT id FROM people p WHERE p.dept IN (SELECT k FROM gaps UNION SELECT boss FROM people q WHERE q.id = p.id)
SELECT id FROM people p WHERE EXISTS (SELECT count(*) FROM void WHERE void.k = p.id)
SELECT id FROM people p WHERE EXISTS (SELECT count(*) FROM void WHERE void.k = p.id HAVING count(*) > 0)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM gaps WHERE k = p.dept LIMIT 0)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM gaps WHERE k = p.dept OFFSET 1)
SELECT id FROM people p WHERE dept IN (SELECT k FROM gaps WHERE k = p.dept ORDER BY k LIMIT 1)
SELECT id FROM people p WHERE dept IN (SELECT max(k) FROM gaps WHERE k >= p.id)
SELECT id FROM people p WHERE dept IN (SELECT max(k) FROM gaps WHERE k = p.dept)
SELECT id FROM people p WHERE id IN (SELECT count(*) FROM gaps WHERE k = p.boss)
SELECT id FROM people p WHERE 0 IN (SELECT count(*) FROM gaps WHERE k = p.boss)
SELECT id FROM people p WHERE 1 IN (SELECT row_number() OVER (ORDER BY k) FROM gaps WHERE k = p.dept)
SELECT id, (SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY k) AS r FROM gaps WHERE k = p.dept) t) FROM people p
SELECT id, (WITH g AS (SELECT k FROM gaps WHERE k = p.dept) SELECT count(*) FROM g) FROM people p
SELECT id, (SELECT d.title FROM depts d JOIN solid s ON s.k = d.id WHERE d.id = p.dept LIMIT 1) FROM people p
SELECT id, (SELECT count(*) FROM depts d LEFT JOIN solid s ON s.k = p.id WHERE d.id = p.dept) FROM people p
SELECT id, (SELECT count(*) FROM depts d LEFT JOIN solid s ON s.k = p.id) FROM people p
SELECT p.id, t.m, u.n FROM people p, LATERAL (SELECT max(k) AS m FROM solid s WHERE s.k < p.id) t, LATERAL (SELECT count(*) AS n FROM gaps g WHERE g.k > t.m) u
SELECT i, x, (SELECT count(*) FROM floats g WHERE g.x = f.x) FROM floats f
SELECT i, (SELECT count(*) FROM floats g WHERE g.x < f.x) FROM floats f
SELECT k, (SELECT count(*) FROM gaps g WHERE g.k = unknown.k) FROM unknown
SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM gaps g WHERE g.k = p.dept AND g.k > p.id OR g.k IS NULL AND p.id = 1)
SELECT id FROM people p WHERE (SELECT bool_and(k > 1) FROM gaps g WHERE g.k = p.dept)
SELECT id, (SELECT title FROM depts d WHERE d.id > p.dept AND p.id < 0) FROM people p
SELECT id FROM people WHERE EXISTS (SELECT 1 FROM gaps OFFSET 10)
SELECT id FROM people WHERE EXISTS (SELECT count(*) FROM void)
SELECT id FROM people WHERE NOT EXISTS (SELECT count(*) FROM void)
SELECT id FROM people WHERE EXISTS (SELECT 1 FROM gaps LIMIT 0)
SELECT id FROM people WHERE id IN (SELECT count(*) FROM void)
SELECT id FROM people WHERE 0 IN (SELECT count(*) FROM void)
SELECT id FROM people p WHERE (SELECT count(*) FROM solid s WHERE s.k = p.id GROUP BY s.k) IS NULL
SELECT id FROM people p WHERE coalesce((SELECT count(*) FROM solid s WHERE s.k = p.id GROUP BY s.k), 5) > 1
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND p.id IN (SELECT k FROM solid)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND EXISTS (SELECT 1 FROM solid)
SELECT p.id, d.id FROM people p JOIN depts d ON p.dept = d.id OR p.id IN (SELECT k FROM solid)
SELECT p.id, d.id FROM people p JOIN depts d ON p.dept = d.id AND p.dept NOT IN (SELECT k FROM gaps)
SELECT dept FROM people GROUP BY dept HAVING dept NOT IN (SELECT k FROM gaps)
SELECT dept FROM people GROUP BY dept HAVING EXISTS (SELECT 1 FROM gaps)
SELECT dept FROM people GROUP BY dept HAVING max(id) IN (SELECT k FROM gaps)
SELECT id FROM people WHERE id IN (SELECT k FROM solid) AND dept NOT IN (SELECT k FROM solid)
SELECT id FROM people WHERE dept NOT IN (SELECT k FROM solid) AND boss NOT IN (SELECT k FROM solid)
SELECT id FROM people WHERE dept NOT IN (SELECT k FROM solid) AND boss NOT IN (SELECT k FROM gaps)
SELECT id FROM people p WHERE dept NOT IN (SELECT k FROM solid) AND NOT EXISTS (SELECT 1 FROM gaps g WHERE g.k = p.id)
SELECT id FROM people p WHERE NOT (dept IN (SELECT k FROM gaps))
SELECT id FROM people p WHERE NOT (dept IN (SELECT k FROM solid) AND id > 2)
SELECT id FROM people p WHERE dept = ALL (SELECT k FROM void) AND id > ANY (SELECT k FROM solid)
SELECT id FROM people WHERE dept <> ALL (SELECT k FROM gaps)
SELECT id FROM people WHERE dept <> ANY (SELECT k FROM gaps)
SELECT id FROM people WHERE dept = ALL (SELECT k FROM gaps)
SELECT id FROM people WHERE dept > ALL (SELECT k FROM gaps) OR id = 1
SELECT id FROM people WHERE (dept > ALL (SELECT k FROM gaps)) IS NULL
SELECT id FROM people WHERE (SELECT k FROM gaps WHERE k = 1) = id
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s WHERE s.k = p.id) = (dept = 1)
SELECT id FROM people p WHERE (EXISTS (SELECT 1 FROM solid s WHERE s.k = p.id)) IS TRUE
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s WHERE p.dept IS NULL)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s JOIN depts d ON s.k = d.id AND d.id = p.dept)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM solid s JOIN depts d ON s.k = d.id WHERE d.id = p.dept)
SELECT id FROM people p WHERE EXISTS (SELECT DISTINCT s.k FROM solid s WHERE s.k = p.dept)
SELECT id FROM people p WHERE EXISTS (SELECT p.dept FROM solid s WHERE s.k = p.dept)
SELECT id FROM people p WHERE p.dept IN (SELECT p.dept FROM solid s WHERE s.k = p.dept)
SELECT id FROM people p WHERE p.dept IN (SELECT s.k + p.boss FROM solid s)
SELECT id FROM people p WHERE p.dept IN (SELECT s.k FROM solid s WHERE s.k = p.dept GROUP BY s.k HAVING count(*) > 1)
SELECT id FROM people p WHERE EXISTS (SELECT s.k FROM solid s WHERE s.k > p.dept GROUP BY s.k HAVING count(*) > 1)
SELECT id FROM people p WHERE EXISTS (SELECT s.k FROM solid s WHERE s.k = p.dept GROUP BY s.k HAVING count(*) > p.id)
SELECT id FROM people p WHERE p.pay > (SELECT avg(q.pay) FROM people q WHERE q.dept = p.dept AND p.id > 2)
SELECT id FROM people p WHERE 0 = (SELECT count(*) FROM people q WHERE q.dept = p.dept AND p.id > 2)
SELECT id FROM people p WHERE 0 = (SELECT count(*) FROM people q WHERE q.dept = p.dept + 1)
SELECT id FROM people p WHERE 0 = (SELECT count(*) FROM people q WHERE q.dept - 1 = p.dept)
SELECT id FROM people p WHERE 0 = (SELECT count(*) FROM people q, depts d WHERE q.dept = d.id AND d.id = p.dept AND q.boss = p.boss)
SELECT id FROM people p WHERE 1 = (SELECT count(*) FROM people q WHERE q.dept = p.dept) - (SELECT count(*) FROM solid s WHERE s.k = p.id)
SELECT id FROM people p WHERE (SELECT count(*) FROM people q WHERE q.dept = p.dept) > 1 AND (SELECT count(*) FROM solid s WHERE s.k = p.id) = 0
SELECT (SELECT count(*) FROM gaps WHERE k = x.m) FROM (SELECT max(id) AS m FROM people) x
SELECT * FROM people ORDER BY id FETCH FIRST 2 ROWS ONLY
SELECT id FROM people ORDER BY id OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY
SELECT id FROM people ORDER BY id FETCH FIRST ROW ONLY
SELECT dept FROM people ORDER BY dept FETCH FIRST 1 ROWS WITH TIES
SELECT DISTINCT ON (k) k, k + 1 FROM gaps ORDER BY 1, k, 2
SELECT DISTINCT ON (dept) dept, id FROM people ORDER BY dept, dept, id
SELECT DISTINCT ON (dept, boss) dept, boss, id FROM people ORDER BY boss, dept, id
SELECT DISTINCT ON (dept) id FROM people ORDER BY dept DESC, id
SELECT DISTINCT ON (dept) * FROM people ORDER BY dept, id
SELECT a IS DISTINCT FROM b OR a = 1 FROM nums
SELECT a IS NOT DISTINCT FROM b AND a = 1 FROM nums
SELECT a IS DISTINCT FROM b + 1 FROM nums
SELECT a FROM nums WHERE a IS DISTINCT FROM b AND b > 1
SELECT a FROM nums WHERE (a, b) <= (1, 2)
SELECT a FROM nums WHERE (a, b) <> (1, 2)
SELECT a FROM nums WHERE (a, b) > (1, 2)
SELECT a FROM nums WHERE (a, b) NOT IN ((1, 2), (3, 3))
SELECT a FROM nums WHERE (a, b) IN ((1, 2), (3, NULL))
SELECT (a, b) = (1, 2), (a, b) < (1, 2) FROM nums
SELECT (a, b) IN ((1, 2), (3, 3)) FROM nums
SELECT a FROM nums WHERE (a, b) IS DISTINCT FROM (1, 2)
SELECT a FROM nums WHERE ROW(a, b) = ROW(1, 2)
SELECT a FROM nums WHERE (a, b) BETWEEN (1, 1) AND (2, 2)
VALUES (1, 'a'), (2, NULL)
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t(x, y)
TABLE gaps
SELECT * FROM (TABLE gaps) t
SELECT k FROM gaps UNION ALL TABLE solid
SELECT k FROM gaps LIMIT ALL
SELECT id FROM people ORDER BY id OFFSET 1 ROWS
SELECT count(*) FROM people GROUP BY ()
SELECT id FROM people WHERE id = 1 GROUP BY id, id
SELECT dept, count(*) FILTER (WHERE id > 2) FROM people GROUP BY 1 HAVING 1 = 1
SELECT id, lower(name) l FROM people ORDER BY lower(name), l, id
SELECT id FROM people p JOIN depts d USING (id)
SELECT * FROM nums CROSS JOIN gaps
SELECT * FROM nums n, gaps g WHERE n.a = g.k
SELECT * FROM nums n JOIN gaps g ON n.a = g.k JOIN solid s ON s.k = g.k
SELECT * FROM nums n JOIN (gaps g JOIN solid s ON s.k = g.k) ON n.a = g.k
SELECT * FROM nums n LEFT JOIN gaps g ON n.a = g.k AND n.b > 1 WHERE g.k IS NULL
SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid
SELECT k FROM gaps INTERSECT ALL SELECT k FROM solid
SELECT k FROM gaps UNION DISTINCT SELECT k FROM solid
SELECT k FROM gaps UNION SELECT k FROM solid ORDER BY k LIMIT 2
(SELECT k FROM gaps ORDER BY k LIMIT 1) UNION ALL (SELECT k FROM solid ORDER BY k LIMIT 1)
WITH a AS (SELECT k FROM gaps), b AS (SELECT k + 1 AS k FROM a) SELECT * FROM a JOIN b USING (k)
WITH a AS MATERIALIZED (SELECT k FROM gaps) SELECT * FROM a
WITH a AS (SELECT k FROM gaps) SELECT (SELECT max(k) FROM a) FROM a
SELECT x.k FROM (WITH a AS (SELECT k FROM gaps) SELECT * FROM a) x
SELECT CASE WHEN k > 1 THEN 'a' END, CASE k WHEN 1 THEN 1.5 ELSE 2 END FROM gaps
SELECT CAST(k AS varchar), k::text, CAST('1' AS int) FROM gaps
SELECT name ~~ 'A%', name !~~ 'A%' FROM people
SELECT (k = 1) = true, (k = 1) IS TRUE FROM gaps
SELECT k ISNULL, k NOTNULL FROM gaps
SELECT id, sum(id) OVER w FROM people WINDOW w AS (ORDER BY id)
SELECT id, sum(id) OVER (w ROWS 1 PRECEDING) FROM people WINDOW w AS (ORDER BY id)
SELECT * FROM people WHERE id IN (1, NULL)
SELECT * FROM people WHERE id NOT IN (1, NULL)
SELECT * FROM people WHERE dept IN (1, 2, dept)
SELECT * FROM generate_series(1, 3) AS g(x)
SELECT id FROM people ORDER BY dept NULLS FIRST, id
SELECT id FROM people ORDER BY -id LIMIT 3
SELECT id, dept FROM people ORDER BY 2 DESC NULLS LAST, 1
SELECT id FROM people WHERE (id, dept) IN (SELECT id, dept FROM people WHERE dept = 1)
SELECT id FROM people WHERE (SELECT true)
SELECT * FROM (SELECT 1 AS x) LEFT JOIN (SELECT 2 AS y) ON true
SELECT * FROM people AS p (a, b, c, d, e)
SELECT id FROM people GROUP BY CUBE (id) ORDER BY id
SELECT id, id FROM people
SELECT 1, 1
SELECT count(*), count(*) FROM people
SELECT p.*, id FROM people p
SELECT id, p.* FROM people p
SELECT p.*, p.* FROM people p
SELECT *, * FROM people p
SELECT *, p.id FROM people p JOIN depts d ON p.dept = d.id
SELECT p.id, d.id FROM people p JOIN depts d ON p.dept = d.id
SELECT count(*) FROM (SELECT * FROM people p JOIN depts d ON p.dept = d.id) t
SELECT * FROM (SELECT * FROM people p JOIN depts d ON p.dept = d.id) t
SELECT * FROM (SELECT 1, 1) t
SELECT id AS x, dept AS x FROM people
SELECT id, id FROM people UNION ALL SELECT k, k FROM gaps
SELECT id, id FROM people ORDER BY 2 DESC, id LIMIT 2
SELECT dept, dept, count(*), count(*) FROM people GROUP BY 1
WITH c AS (SELECT id, id FROM people) SELECT count(*) FROM c
SELECT id, 1 AS id FROM people
SELECT DISTINCT dept, dept FROM people
SELECT id, CAST(k AS varchar), k::text FROM people, gaps
SELECT (SELECT max(k) FROM gaps), (SELECT max(k) FROM gaps) FROM people
SELECT * FROM nums WHERE (a IN (SELECT k FROM solid)) IS NULL
SELECT * FROM nums WHERE a NOT IN (SELECT k FROM solid) OR b = 3
SELECT id FROM people p WHERE boss NOT IN (SELECT boss FROM people q WHERE q.id < p.id OR q.name = 'null_aware')
SELECT a FROM nums WHERE (a, b) < (1, 2)
SELECT id FROM people p WHERE EXISTS (SELECT count(*) FROM void v WHERE v.k = p.id)
SELECT * FROM nums WHERE a NOT IN (SELECT k FROM gaps WHERE gaps.k = nums.b)
SELECT a, a IN (SELECT k FROM gaps) AS x FROM nums
SELECT name, (SELECT title FROM depts WHERE depts.id = people.dept) FROM people
SELECT a, a, b AS a FROM nums
SELECT k FROM solid EXCEPT ALL SELECT k FROM gaps
SELECT k FROM gaps INTERSECT ALL SELECT k FROM gaps
SELECT k FROM unknown EXCEPT ALL SELECT k FROM gaps
SELECT k FROM unknown INTERSECT ALL SELECT k FROM gaps
SELECT k FROM void EXCEPT ALL SELECT k FROM gaps
SELECT k FROM gaps EXCEPT ALL SELECT k FROM void
SELECT a, b FROM nums EXCEPT ALL SELECT b, a FROM nums
SELECT a, b FROM nums EXCEPT ALL SELECT 1, 1
SELECT a, b FROM nums INTERSECT ALL SELECT b, a FROM nums
SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid
SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps INTERSECT ALL SELECT k FROM solid
SELECT a FROM nums EXCEPT ALL (SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid)
SELECT a FROM nums UNION ALL SELECT k FROM gaps INTERSECT ALL SELECT k FROM solid
(SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps) UNION ALL (SELECT k FROM solid INTERSECT ALL SELECT k FROM gaps)
SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps ORDER BY a DESC NULLS LAST LIMIT 2
SELECT a + 1 FROM nums EXCEPT ALL SELECT k + 1 FROM gaps
SELECT a AS x, b + a FROM nums EXCEPT ALL SELECT k, k FROM gaps ORDER BY x, 2
WITH g AS (SELECT k FROM gaps) SELECT * FROM g EXCEPT ALL SELECT k FROM solid
WITH g AS (SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid) SELECT count(*), max(k) FROM g
SELECT * FROM nums EXCEPT ALL SELECT * FROM nums WHERE a = 1
VALUES (1), (1), (2) EXCEPT ALL VALUES (1)
SELECT * FROM (VALUES (1), (1), (2)) AS a(x) INTERSECT ALL SELECT * FROM (VALUES (1)) AS b(x)
SELECT id FROM people p WHERE EXISTS (SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid WHERE k = p.id)
SELECT id, (SELECT count(*) FROM (SELECT k FROM gaps EXCEPT ALL SELECT k FROM solid WHERE k <> p.id) t) FROM people p
SELECT id FROM people p WHERE dept IN (SELECT k FROM gaps INTERSECT ALL SELECT k FROM solid WHERE k >= p.id)
SELECT count(*) FROM (SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps) t
SELECT a, a FROM nums EXCEPT ALL SELECT k, k FROM gaps
SELECT x FROM floats EXCEPT ALL SELECT 1.5
SELECT x FROM floats INTERSECT ALL SELECT x FROM floats WHERE i > 1
SELECT i FROM floats EXCEPT ALL SELECT x FROM floats WHERE x > 0 AND x < 100
SELECT name FROM people EXCEPT ALL SELECT name FROM people WHERE id < 3
SELECT name, count(*) FROM people GROUP BY name EXCEPT ALL SELECT 'Ann', 2
SELECT k FROM gaps EXCEPT SELECT k FROM solid
SELECT DISTINCT k FROM gaps EXCEPT ALL SELECT k FROM solid
SELECT p.id, x.k FROM people p CROSS JOIN LATERAL (SELECT k FROM gaps g WHERE g.k >= p.id ORDER BY k DESC LIMIT 1) x
SELECT p.id, x.k FROM people p LEFT JOIN LATERAL (SELECT k FROM gaps g WHERE g.k >= p.id ORDER BY k DESC LIMIT 2) x ON true
SELECT p.id, x.* FROM people p LEFT JOIN LATERAL (SELECT k, count(*) AS n FROM gaps g WHERE g.k >= p.id GROUP BY k) x ON x.n > 1
SELECT p.id, x.n FROM people p CROSS JOIN LATERAL (SELECT count(*) AS n FROM gaps g WHERE g.k >= p.id) x WHERE x.n < 3
SELECT d.id, x.id, x.pay FROM depts d LEFT JOIN LATERAL (SELECT id, pay FROM people p WHERE p.dept = d.id ORDER BY pay DESC NULLS LAST, id LIMIT 2) x ON true
SELECT d.id, x.id FROM depts d, LATERAL (SELECT id FROM people p WHERE p.dept = d.id ORDER BY pay, id OFFSET 1) x
SELECT d.id, x.a, y.b FROM depts d CROSS JOIN LATERAL (SELECT max(id) AS a FROM people p WHERE p.dept < d.id) x CROSS JOIN LATERAL (SELECT count(*) AS b FROM people q WHERE q.id > x.a) y
SELECT o.id, (SELECT o2.pay FROM people o2 WHERE o2.dept = o.dept AND o2.id < o.id ORDER BY o2.id DESC LIMIT 1) FROM people o
SELECT id, CASE WHEN id IN (SELECT k FROM gaps) THEN 'in' WHEN id NOT IN (SELECT k FROM gaps) THEN 'out' ELSE 'unknown' END FROM people
SELECT id FROM people ORDER BY id IN (SELECT k FROM solid), id
SELECT id, boss NOT IN (SELECT k FROM solid) AND dept > ALL (SELECT k FROM void) FROM people
SELECT dept, count(*) FROM people p GROUP BY dept HAVING count(*) IN (SELECT k FROM solid s WHERE s.k >= p.dept)
SELECT count(*) FILTER (WHERE id IN (SELECT k FROM solid)) FROM people
SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM solid s WHERE s.k > p.id) THEN 1 ELSE 0 END) FROM people p
SELECT id, rank() OVER (ORDER BY (SELECT count(*) FROM solid s WHERE s.k > p.id)) FROM people p
SELECT a IS DISTINCT FROM b OR a = 1 AND b IS NOT DISTINCT FROM a FROM nums
SELECT a FROM nums WHERE NOT a IS DISTINCT FROM b OR b = 3
SELECT dept, id FROM people ORDER BY dept NULLS LAST FETCH FIRST 4 ROWS WITH TIES
SELECT dept, id FROM people ORDER BY dept NULLS LAST OFFSET 1 ROWS FETCH NEXT 2 ROWS WITH TIES
SELECT dept, count(*) AS n FROM people GROUP BY dept ORDER BY n DESC FETCH FIRST 1 ROW WITH TIES
SELECT sum(k) FROM void GROUP BY ()
SELECT 1 FROM void GROUP BY ()
SELECT count(*) FROM void GROUP BY () HAVING count(*) > 0
SELECT (a, b) = (b, a), (a, b) <> (b, a), (a, b) >= (b, a) FROM nums
SELECT a FROM nums WHERE (a, b) IN (SELECT b, a FROM nums)
SELECT a FROM nums WHERE (a, b) NOT IN (SELECT b, a FROM nums)
SELECT a, (a, b) IN (SELECT b, a FROM nums) FROM nums
SELECT a, (a, b) NOT IN (SELECT k, k FROM gaps) FROM nums
SELECT a FROM nums n WHERE (a, b) = ANY (SELECT k, k FROM gaps WHERE k >= n.a)
SELECT (a = 1) IS TRUE, (a = 1) IS NOT TRUE, (a = 1) IS FALSE, (a = 1) IS NOT FALSE, (a = 1) IS UNKNOWN, (a = 1) IS NOT UNKNOWN FROM nums
SELECT dept, max(id) IN (SELECT k FROM gaps) FROM people GROUP BY dept
SELECT dept, max(id) NOT IN (SELECT k FROM gaps), count(*) > ALL (SELECT k FROM solid) FROM people GROUP BY dept
SELECT max(id) IN (SELECT k FROM gaps) FROM people
SELECT count(*) IN (SELECT k FROM gaps), EXISTS (SELECT 1 FROM void) FROM void
SELECT dept, sum(pay), (SELECT count(*) FROM depts d WHERE d.id < p.dept) FROM people p GROUP BY dept
SELECT dept AS d, boss, count(*) AS n, (SELECT count(*) FROM depts x WHERE x.id < p.dept OR x.id = p.boss) FROM people p GROUP BY d, 2 ORDER BY n DESC, 1, boss
SELECT dept, boss, count(*), (SELECT count(*) FROM depts x WHERE x.id <= p.dept) FROM people p GROUP BY ROLLUP (dept, boss)
SELECT dept, grouping(dept), dept IN (SELECT k FROM gaps) FROM people GROUP BY GROUPING SETS ((dept), ())
SELECT id % 2, count(*), (id % 2) IN (SELECT k FROM gaps) FROM people GROUP BY id % 2
SELECT dept, rank() OVER (ORDER BY count(*) DESC), dept IN (SELECT k FROM gaps) FROM people GROUP BY dept
SELECT dept, count(*) FROM people GROUP BY dept HAVING count(*) > (SELECT min(k) FROM solid s WHERE s.k >= dept) OR dept IN (SELECT k FROM void) ORDER BY count(*), dept
SELECT dept, sum((SELECT count(*) FROM solid s WHERE s.k > p.id)) AS s, EXISTS (SELECT 1 FROM gaps g WHERE g.k > p.dept) FROM people p GROUP BY dept
SELECT DISTINCT count(*) IN (SELECT k FROM gaps) FROM people GROUP BY dept
SELECT count(DISTINCT dept) FILTER (WHERE id > 2) = ANY (SELECT k FROM gaps) FROM people
SELECT p.dept, d.title, max(p.id) IN (SELECT k FROM solid) FROM people p JOIN depts d ON p.dept = d.id GROUP BY p.dept, d.title HAVING p.dept NOT IN (SELECT k FROM gaps) OR d.title = 'Ops'
SELECT dept, (SELECT title FROM depts d WHERE d.id = p.dept) AS t FROM people p GROUP BY dept ORDER BY t NULLS FIRST, dept
SELECT count(*) AS n FROM people p GROUP BY p.dept HAVING NOT EXISTS (SELECT 1 FROM solid s WHERE s.k < p.dept AND s.k > 1) ORDER BY n
SELECT id FROM people ORDER BY CASE WHEN (SELECT count(*) FROM solid) > 3 THEN -id ELSE id END
SELECT dept, count(*) FROM people GROUP BY dept ORDER BY count(*) IN (SELECT k FROM solid), dept
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND EXISTS (SELECT 1 FROM solid s WHERE s.k = d.id)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND d.id IN (SELECT k FROM solid)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND d.id NOT IN (SELECT k FROM gaps)
SELECT p.id, d.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND d.id > (SELECT min(k) FROM solid s WHERE s.k >= d.id - 1)
SELECT id, (SELECT boss FROM people q WHERE q.id = p.id) FROM people p
SELECT id, (SELECT name FROM people q WHERE q.id = p.boss) FROM people p
SELECT id, (SELECT pay FROM people q WHERE q.id = p.boss) > 10 FROM people p
SELECT i, (SELECT x FROM floats g WHERE g.i = f.i) FROM floats f
SELECT i, (SELECT count(*) FROM floats g WHERE g.x = f.x) FROM floats f
SELECT i, (SELECT max(i) FROM (SELECT DISTINCT x, i FROM floats) g WHERE g.x > f.x OR g.i < f.i) FROM floats f
SELECT id, (SELECT sum(n) FROM (SELECT k, count(*) AS n FROM (SELECT DISTINCT k, id AS b FROM gaps, people q WHERE q.id > p.id) t GROUP BY k) u) FROM people p
SELECT id, (SELECT count(*) FROM (SELECT DISTINCT k FROM gaps g WHERE g.k <> p.id OR g.k IS NULL) t) FROM people p
SELECT id, (SELECT max(c) FROM (SELECT k, count(*) AS c FROM (SELECT s.k, g.k AS l FROM solid s, gaps g WHERE s.k > p.id GROUP BY s.k, g.k) v GROUP BY k) u) FROM people p
SELECT x.id FROM people x JOIN (SELECT DISTINCT d.id, t.k FROM (SELECT DISTINCT id FROM people) d CROSS JOIN gaps t) y ON x.id = y.id
SELECT x.id FROM people x JOIN (SELECT d.id, t.k, count(*) AS n FROM (SELECT DISTINCT id FROM people) d CROSS JOIN gaps t GROUP BY d.id, t.k) y ON x.id = y.id
SELECT a FROM nums EXCEPT ALL SELECT k FROM gaps
SELECT a FROM nums INTERSECT ALL SELECT k FROM gaps
SELECT s1.a, s1.b FROM nums s1 WHERE (SELECT max(s2.k) - min(s2.k) FROM void s2 WHERE s2.k <> s1.b) = s1.a AND NOT (s1.b <> s1.b)
SELECT s1.a, s1.b FROM nums s1 WHERE (SELECT max(s2.k) - min(s2.k) FROM void s2 WHERE s2.k <> s1.b) = s1.a
SELECT m.a, n.b FROM nums m JOIN nums n ON m.a IS NOT DISTINCT FROM n.a WHERE m.b = n.b
SELECT m.a, n.b FROM nums m LEFT JOIN nums n ON m.a IS NOT DISTINCT FROM n.a WHERE m.b = n.b
SELECT m.a, n.b FROM nums m JOIN nums n ON m.a IS NOT DISTINCT FROM n.a AND m.b = n.b
SELECT m.a, n.b FROM nums m JOIN nums n ON m.b = n.b WHERE NOT (m.a IS DISTINCT FROM n.a)
SELECT m.a, n.b FROM nums m LEFT JOIN (SELECT a, max(b) AS b FROM nums GROUP BY a) n ON m.a IS NOT DISTINCT FROM n.a WHERE m.b = n.b
SELECT m.a, n.b FROM nums m, nums n WHERE m.a IS NOT DISTINCT FROM n.a AND m.b = n.b
SELECT m.a FROM nums m WHERE EXISTS (SELECT 1 FROM nums n WHERE m.a IS NOT DISTINCT FROM n.a AND m.b = n.b)
SELECT m.a FROM nums m JOIN nums n ON m.a IS NOT DISTINCT FROM n.a JOIN nums o ON o.b = m.b
SELECT m.name, n.id FROM people m JOIN people n ON m.name IS NOT DISTINCT FROM n.name AND m.dept = n.dept
SELECT m.id, n.id FROM people m JOIN people n ON m.pay IS NOT DISTINCT FROM n.pay AND m.dept = n.dept
SELECT m.i, n.i FROM floats m JOIN floats n ON m.x IS NOT DISTINCT FROM n.x AND m.i + 1 = n.i
SELECT m.i, n.i FROM floats m JOIN floats n ON m.x IS NOT DISTINCT FROM n.x
SELECT s2.b FROM solid s1 LEFT JOIN nums s2 ON s1.k = s2.a WHERE (s2.b NOT IN (SELECT s4.k FROM solid s3 CROSS JOIN gaps s4 WHERE s4.k = s2.a AND s3.k <= s1.k)) IS UNKNOWN
SELECT s1.k, s2.a, s2.b, s2.b NOT IN (SELECT s4.k FROM solid s3 CROSS JOIN gaps s4 WHERE s4.k = s2.a AND s3.k <= s1.k) FROM solid s1 LEFT JOIN nums s2 ON s1.k = s2.a
SELECT s1.k, x.v FROM gaps s1 CROSS JOIN LATERAL (SELECT count(*) FROM solid s2 WHERE s2.k <= s1.k OR s2.k <= s1.k) x(v)
SELECT s1.id, s1.boss, s1.dept FROM people s1 WHERE EXISTS (SELECT s2.k FROM unknown s2 CROSS JOIN unknown s3 WHERE s2.k > s1.boss AND s2.k = s1.boss) OR s1.dept <= s1.boss
SELECT s1.k, count(*) AS n, EXISTS (SELECT 1 FROM solid z WHERE z.k < s1.k) AS p FROM solid s1 GROUP BY s1.k
SELECT s1.k, EXISTS (SELECT s2.k FROM gaps s2 WHERE s2.k <= s1.k GROUP BY s2.k HAVING count(*) > 2) AS p FROM void s1
SELECT s1.k, s2.id, count(*) AS n, s2.id IN (SELECT k FROM gaps) AS p FROM solid s1 LEFT JOIN depts s2 ON s1.k = s2.id GROUP BY s1.k, s2.id
SELECT s1.k, s1.k > ANY (SELECT x.v FROM (SELECT s2.k AS v FROM void s2 WHERE s2.k <> s2.k) x WHERE x.v = s1.k) AS p FROM solid s1
SELECT s1.k FROM unknown s1 WHERE s1.k IN (SELECT s2.k FROM gaps s2 WHERE s2.k <> s1.k AND s2.k = s1.k ORDER BY s2.k LIMIT 1) OR s1.k > 0
SELECT s1.k, (SELECT count(*) + 1 FROM solid s2 WHERE s2.k = s1.k AND s2.k < s1.k) AS v FROM gaps s1
SELECT s1.k, s1.k = ANY (SELECT x.v FROM (SELECT s2.a AS v FROM nums s2 WHERE s1.k > s1.k) x WHERE x.v <= s1.k) AS p FROM void s1
SELECT s1.a, (SELECT sum(s2.k) FROM void s2 WHERE s2.k <= s1.a) AS v FROM nums s1
SELECT s1.id, s2.k, count(*) AS n FROM depts s1 CROSS JOIN gaps s2 GROUP BY s1.id, s2.k HAVING s2.k IN (SELECT k FROM gaps)
SELECT s1.a, s1.b, count(*) AS n FROM nums s1 GROUP BY s1.a, s1.b HAVING max(s1.b) > ALL (SELECT k FROM void)
SELECT s1.id, s1.boss, s1.dept FROM people s1 WHERE s1.boss <> ANY (SELECT s2.k FROM unknown s2 LEFT JOIN gaps s3 ON s2.k = s3.k WHERE s2.k = s3.k) OR s1.boss > s1.dept
SELECT s1.k, count(*) AS n, (SELECT count(*) FROM solid z WHERE z.k <= s1.k) > 1 AS p FROM solid s1 GROUP BY s1.k
SELECT s1.k, (SELECT coalesce(max(s3.k), 7) FROM unknown s3 WHERE s3.k = s2.dept AND (SELECT min(s4.boss) FROM people s4 WHERE s4.id = s1.k) <> s1.k) AS v FROM gaps s1 JOIN people s2 ON s1.k = s2.boss
SELECT s1.a, s1.b FROM nums s1 WHERE (SELECT s2.id + s1.a FROM depts s2 ORDER BY s2.id + s1.a NULLS LAST LIMIT 1 OFFSET 1) > s1.b AND s1.b <= s1.a
SELECT s1.k FROM gaps s1 WHERE NOT EXISTS (SELECT s2.id FROM depts s2 WHERE s2.id <> s1.k ORDER BY s2.id LIMIT 2) ORDER BY (SELECT count(DISTINCT s4.k + s3.k) FROM solid s3 CROSS JOIN solid s4 WHERE s4.k <= s1.k OR s3.k > s1.k), 1
SELECT s1.id, s1.boss, s1.dept, s2.id FROM people s1 LEFT JOIN depts s2 ON s1.dept = s2.id WHERE s1.id NOT IN (SELECT s3.k FROM unknown s3 GROUP BY s3.k) AND s1.id = s1.dept
SELECT s1.k FROM solid s1 WHERE (NOT EXISTS (SELECT s2.k FROM unknown s2 LEFT JOIN people s3 ON s2.k = s3.id WHERE s3.boss = s1.k)) IS TRUE
SELECT s1.k, x.v FROM unknown s1 CROSS JOIN LATERAL (SELECT s2.k FROM solid s2 WHERE s1.k IS NOT NULL) x(v)
SELECT s1.k, count(*) AS n, count(*) IN (SELECT k FROM gaps) AS p FROM solid s1 GROUP BY s1.k
SELECT s1.a, EXISTS (SELECT max(s2.k) FROM unknown s2 WHERE s2.k <> s1.b) AS p FROM nums s1
SELECT s1.k, s2.k FROM void s1 JOIN gaps s2 ON s1.k = s2.k WHERE (SELECT count(s3.k) FROM void s3 WHERE NOT EXISTS (SELECT s4.k FROM solid s4) OR s3.k <> s2.k) <= s1.k AND (s1.k <= s2.k OR s1.k IS NULL)
SELECT s1.k, EXISTS (SELECT DISTINCT s2.boss FROM people s2) AS p FROM solid s1
SELECT s1.k, NOT EXISTS (SELECT s2.a FROM nums s2 WHERE s2.b = s1.k AND s2.a <> s1.k GROUP BY s2.a HAVING count(*) > 1) AS p FROM solid s1
SELECT s2.k FROM void s1 LEFT JOIN unknown s2 ON s1.k < s2.k WHERE (s2.k IN (SELECT s4.k FROM void s3 LEFT JOIN void s4 ON s3.k = s4.k WHERE s4.k > s1.k ORDER BY s4.k LIMIT 2)) IS NULL
SELECT s1.k, count(*) AS n, EXISTS (SELECT 1 FROM solid z WHERE z.k = s1.k) AS p FROM solid s1 GROUP BY s1.k
SELECT s2.b, (SELECT count(*) + 1 FROM solid s3 WHERE s1.k IS NOT DISTINCT FROM s2.b AND s3.k < s2.a) <> s2.b AS p FROM solid s1 JOIN nums s2 ON s1.k = s2.a
SELECT s1.a FROM nums s1 WHERE (EXISTS (SELECT s2.id FROM depts s2 WHERE s2.id = s1.a OR s2.id < s1.a)) IS NOT TRUE
SELECT s1.k FROM void s1 WHERE s1.k NOT IN (SELECT count(*) FROM gaps s2 WHERE s2.k <> s1.k OR NOT (((SELECT min(s3.k) FROM unknown s3 WHERE s3.k = s1.k) = s2.k OR s2.k < s1.k)) GROUP BY s2.k HAVING count(*) > 1) AND s1.k < 3
SELECT s1.a, s1.b, count(*) AS n, s1.a IN (SELECT k FROM gaps) AS p FROM nums s1 GROUP BY s1.a, s1.b
SELECT s1.k FROM void s1 WHERE s1.k <= ALL (SELECT DISTINCT s2.k FROM gaps s2 WHERE ((SELECT max(s3.k) FROM solid s3 WHERE s3.k = s1.k) > s2.k OR s2.k <= s2.k) AND s2.k = s1.k) ORDER BY (SELECT coalesce(max(s4.a), 7) FROM nums s4 JOIN depts s5 ON s4.b < s5.id WHERE s4.b <> s1.k), 1
SELECT s1.k FROM solid s1 WHERE EXISTS (SELECT x.v FROM (SELECT s2.a AS v FROM nums s2 WHERE s2.b <= s1.k) x WHERE x.v = s1.k) ORDER BY (SELECT count(*) + 1 FROM void s3 WHERE s3.k <= s1.k), 1
SELECT s1.k, s1.k NOT IN (SELECT s2.k FROM solid s2 WHERE s2.k < s1.k) AS p FROM unknown s1
SELECT s1.a, s1.b, count(*) AS n FROM nums s1 GROUP BY s1.a, s1.b HAVING count(*) IN (SELECT k FROM gaps)
SELECT s1.k, CASE WHEN s1.k = ANY (SELECT max(s2.id) - min(s2.id) FROM depts s2 WHERE s2.id <= s1.k) THEN 1 WHEN (SELECT count(*) + 1 FROM depts s3 WHERE s3.id = s1.k) <> s1.k THEN 2 ELSE 3 END AS x FROM solid s1
SELECT s2.k, s1.id IN (SELECT s3.k FROM solid s3) AS p FROM depts s1 JOIN gaps s2 ON s1.id < s2.k
SELECT s2.b, x.v FROM solid s1 JOIN nums s2 ON s1.k = s2.b LEFT JOIN LATERAL (SELECT s3.k FROM void s3 WHERE s3.k = s2.a OR s3.k > s2.b) x(v) ON true
SELECT s1.k FROM gaps s1 WHERE (s1.k <> ALL (SELECT s2.k FROM void s2 WHERE s2.k = s1.k)) IS UNKNOWN
SELECT s1.k FROM unknown s1 WHERE (SELECT sum(s2.a) FROM nums s2 WHERE s2.b < s1.k) < s1.k AND s1.k > 1
SELECT s1.id, s1.boss, s1.dept FROM people s1 WHERE (SELECT max(s2.k) - min(s2.k) FROM unknown s2 WHERE s2.k = s1.boss) = s1.boss OR s1.id <= 0
SELECT s1.k, s2.id, s2.boss, s2.dept FROM solid s1 JOIN people s2 ON s1.k < s2.boss WHERE EXISTS (SELECT s3.b FROM nums s3) AND s1.k > s2.dept
SELECT s1.a, s1.b, count(*) AS n FROM nums s1 GROUP BY s1.a, s1.b HAVING max(s1.a) > ALL (SELECT k FROM void)
SELECT s1.k, count(*) AS n FROM unknown s1 GROUP BY s1.k HAVING count(*) IN (SELECT k FROM gaps)
SELECT s1.dept FROM people s1 WHERE s1.boss IN (SELECT DISTINCT s3.k FROM solid s2 JOIN gaps s3 ON s2.k < s3.k WHERE s2.k > s1.id) ORDER BY (SELECT count(DISTINCT s4.id) FROM people s4 WHERE s4.boss <> s1.id), 1
SELECT s1.id, x.v FROM depts s1 JOIN gaps s2 ON s1.id = s2.k LEFT JOIN LATERAL (SELECT s3.k FROM gaps s3 WHERE (s2.k = s2.k OR s1.id IN (SELECT s4.id FROM depts s4 WHERE s4.id <= s3.k))) x(v) ON true
SELECT s1.k FROM solid s1 WHERE (SELECT count(*) + 1 FROM depts s2 WHERE s2.id > s1.k) <> s1.k OR s1.k <> s1.k
SELECT s1.k, count(*) AS n, (SELECT count(*) FROM solid z WHERE z.k <= s1.k) > 1 AS p FROM void s1 GROUP BY s1.k
SELECT s1.b, x.v FROM nums s1 LEFT JOIN LATERAL (SELECT DISTINCT s2.k FROM gaps s2 WHERE s2.k = s1.b) x(v) ON true
SELECT s2.id FROM gaps s1 CROSS JOIN depts s2 WHERE (EXISTS (SELECT s3.b + s2.id FROM nums s3 WHERE s3.b > s1.k)) IS UNKNOWN
SELECT s1.k, s1.k NOT IN (SELECT s2.b FROM nums s2 WHERE s2.a <= s1.k) AS p FROM void s1
SELECT s1.k, (SELECT count(DISTINCT s3.id + s1.k) FROM gaps s2 JOIN people s3 ON s2.k = s3.boss WHERE s3.boss = s1.k OR s3.dept < s1.k) AS v FROM gaps s1
SELECT s1.id, s1.boss, s1.dept FROM people s1 WHERE NOT EXISTS (SELECT s2.k FROM gaps s2 CROSS JOIN depts s3 WHERE s2.k > s1.boss GROUP BY s2.k) AND s1.dept IS NULL
SELECT s1.k, count(*) AS n FROM void s1 GROUP BY s1.k HAVING s1.k IN (SELECT k FROM gaps)
SELECT s1.id, (SELECT max(s2.id) FROM depts s2 WHERE s2.id < s1.id AND s2.id <> s1.id) AS v FROM depts s1
SELECT s1.k, NOT EXISTS (SELECT x.v FROM (SELECT s2.a AS v FROM nums s2 WHERE s2.b = s1.k AND s2.b = s1.k) x WHERE x.v <= s1.k) AS p FROM void s1
SELECT s1.b, CASE WHEN (SELECT count(s2.id) FROM depts s2) = s1.a THEN 1 WHEN (SELECT min(s3.b) FROM nums s3 CROSS JOIN gaps s4 WHERE s3.b <> s1.b AND s3.a > s4.k) = s1.a THEN 2 ELSE 3 END AS x FROM nums s1
SELECT s1.k FROM unknown s1 WHERE EXISTS (SELECT DISTINCT s3.k FROM people s2 CROSS JOIN void s3 WHERE s3.k = s1.k) OR s1.k = s1.k
SELECT s1.k, s1.k NOT IN (SELECT DISTINCT s2.id FROM people s2 WHERE s2.id < s1.k OR s1.k <= s1.k) AS p FROM void s1
SELECT s1.id FROM depts s1 WHERE (SELECT max(s2.a) FROM nums s2 HAVING count(*) > 2) = s1.id AND s1.id = s1.id
SELECT s1.id, EXISTS (SELECT s2.a FROM nums s2 JOIN solid s3 ON s2.b = s3.k WHERE s2.b = s1.id) AS p FROM depts s1
SELECT s1.k, x.v FROM unknown s1 LEFT JOIN LATERAL (SELECT s2.k FROM solid s2 WHERE s2.k <> s1.k OR s2.k > s1.k EXCEPT SELECT s3.dept FROM people s3) x(v) ON true
SELECT s1.k FROM solid s1 WHERE s1.k = ALL (SELECT coalesce(max(s2.id), 7) FROM people s2 WHERE (s1.k <> s1.k OR s1.k <= s1.k) AND s2.id = s1.k) ORDER BY (SELECT coalesce(max(s3.id), 7) FROM depts s3 CROSS JOIN people s4 WHERE s3.id = s4.dept), 1
SELECT s1.id FROM depts s1 WHERE (SELECT count(DISTINCT s2.k) FROM unknown s2 WHERE s2.k = s1.id) <> s1.id ORDER BY (SELECT max(s3.k) - min(s3.k) FROM unknown s3 WHERE s3.k <= s1.id), 1
SELECT s1.a, s1.b, s2.a, s2.b FROM nums s1 JOIN nums s2 ON s1.b = s2.b WHERE s1.b NOT IN (SELECT s3.a FROM nums s3 WHERE s3.a = s2.b INTERSECT SELECT s4.k FROM void s4 WHERE s4.k < s1.b) OR s2.b > s1.b
SELECT s1.k, (SELECT s2.k + s2.k FROM void s2 WHERE s2.k > 4 ORDER BY s2.k + s2.k DESC NULLS LAST LIMIT 1 OFFSET 1) < s1.k AS p FROM unknown s1
SELECT s1.k, s1.k NOT IN (SELECT count(*) FROM solid s2 GROUP BY s2.k HAVING count(*) > 0) AS p FROM void s1
SELECT s1.k, EXISTS (SELECT s2.k FROM void s2 WHERE s2.k > s1.k AND (s2.k <= s1.k OR s1.k = s2.k) INTERSECT ALL SELECT s3.k FROM unknown s3 WHERE s3.k < s1.k) AS p FROM solid s1
SELECT s1.a, s1.b FROM nums s1 WHERE s1.a NOT IN (SELECT s2.k FROM solid s2 WHERE s2.k < s1.b AND s1.a = s2.k ORDER BY s2.k LIMIT 0) OR s1.b = s1.a
SELECT s1.a, s1.b, count(*) AS n, EXISTS (SELECT 1 FROM solid z WHERE z.k = s1.b) AS p FROM nums s1 GROUP BY s1.a, s1.b
SELECT s1.k, count(*) AS n FROM gaps s1 GROUP BY s1.k HAVING count(*) IN (SELECT k FROM gaps)
SELECT s2.k, CASE WHEN s1.a <> ALL (SELECT s3.k FROM gaps s3 WHERE s3.k <> s1.b) THEN 1 WHEN (SELECT count(*) + 1 FROM void s4 WHERE s4.k < s1.a AND s4.k = s1.b) = s1.a THEN 2 ELSE 3 END AS x FROM nums s1 JOIN void s2 ON s1.a = s2.k
SELECT s1.k FROM unknown s1 WHERE (EXISTS (SELECT count(*) + 1 FROM people s2 WHERE s2.boss > s1.k)) IS TRUE
SELECT s1.k, (SELECT s2.id FROM people s2 WHERE s2.dept = s1.k ORDER BY s2.id DESC NULLS LAST LIMIT 1) AS v FROM unknown s1
SELECT s1.k, EXISTS (SELECT s2.k FROM void s2 WHERE s2.k < s1.k) AS p FROM gaps s1
SELECT s1.id, NOT EXISTS (SELECT s2.boss FROM people s2 WHERE s2.dept = s1.id) AS p FROM depts s1
SELECT s1.k FROM gaps s1 WHERE s1.k IN (SELECT max(s2.k) FROM unknown s2 WHERE s2.k IS NOT NULL) OR s1.k > s1.k
SELECT s1.k, x.v FROM void s1 LEFT JOIN LATERAL (SELECT s2.k FROM solid s2) x(v) ON true
SELECT s2.k, s2.k IN (SELECT s3.k FROM void s3 WHERE s3.k = s1.k AND s3.k = s2.k) AS p FROM gaps s1 JOIN unknown s2 ON s1.k < s2.k
SELECT s1.id, s1.id NOT IN (SELECT count(*) FROM gaps s2 LEFT JOIN void s3 ON s2.k = s3.k WHERE s3.k <> s1.boss GROUP BY s2.k HAVING count(*) > 1) AS p FROM people s1
SELECT s1.id, CASE WHEN NOT EXISTS (SELECT s2.k FROM solid s2 WHERE s2.k = s1.id AND s2.k < s1.id) THEN 1 WHEN (SELECT s3.k FROM void s3 WHERE s3.k = s1.id AND s3.k = s1.id ORDER BY s3.k NULLS LAST LIMIT 1 OFFSET 1) <> s1.id THEN 2 ELSE 3 END AS x FROM depts s1
SELECT s1.k FROM void s1 WHERE s1.k IN (SELECT sum(s3.id) FROM void s2 CROSS JOIN depts s3 WHERE s2.k < s1.k) ORDER BY (SELECT s4.a FROM nums s4 ORDER BY s4.a DESC NULLS LAST LIMIT 1), 1
SELECT s1.k FROM solid s1 JOIN depts s2 ON s1.k = s2.id WHERE s2.id NOT IN (SELECT s3.boss FROM people s3 LEFT JOIN people s4 ON s3.boss = s4.boss WHERE s4.boss > s2.id AND s4.boss > s2.id) ORDER BY (SELECT count(s5.k) FROM solid s5 WHERE s1.k IS NULL), 1
SELECT s1.k, count(*) AS n FROM gaps s1 GROUP BY s1.k HAVING EXISTS (SELECT 1 FROM solid z WHERE z.k <= s1.k)
SELECT s1.k FROM void s1 WHERE (s1.k IN (SELECT max(s2.dept) - min(s2.boss) FROM people s2 WHERE s2.id > s1.k)) IS NOT TRUE
SELECT s1.a FROM nums s1 WHERE (s1.b <> ANY (SELECT s2.k FROM unknown s2 WHERE s2.k IS DISTINCT FROM s2.k)) IS NULL
SELECT s2.a, CASE WHEN s1.id <= ALL (SELECT s3.k FROM void s3 GROUP BY s3.k HAVING count(*) > 1) THEN 1 WHEN EXISTS (SELECT s4.id FROM depts s4 WHERE s4.id <= s2.a AND s4.id < s2.a GROUP BY s4.id HAVING count(*) > 1) THEN 2 ELSE 3 END AS x FROM depts s1 JOIN nums s2 ON s1.id = s2.a
SELECT s1.k, s1.k IN (SELECT s2.k FROM solid s2 WHERE s2.k < s1.k) AS p FROM solid s1
SELECT s1.k FROM gaps s1 WHERE (SELECT max(s2.id + s2.id) - min(s2.id) FROM depts s2) = s1.k AND s1.k <> s1.k
SELECT s1.k, count(*) AS n FROM gaps s1 GROUP BY s1.k HAVING max(s1.k) > ALL (SELECT k FROM void)
SELECT (SELECT k FROM solid WHERE k > 99) IS NULL AS v
SELECT coalesce((SELECT k FROM solid WHERE k > 99), 0) AS v
SELECT CASE WHEN (SELECT k FROM solid WHERE k > 99) IS NULL THEN 'none' ELSE 'some' END AS v
SELECT (SELECT 1 WHERE false) IS NULL AS v
SELECT id FROM people WHERE (SELECT k FROM solid WHERE k > 99) IS NULL
SELECT id FROM people WHERE id NOT IN (SELECT (SELECT k FROM solid WHERE k > 99))
SELECT (SELECT count(*) FROM solid HAVING count(*) > 99) IS NULL AS v
SELECT (SELECT k FROM solid WHERE k > 99 UNION ALL SELECT 5 WHERE false) IS NULL AS v
SELECT coalesce((SELECT k FROM solid WHERE k > 5 ORDER BY k LIMIT 1), 0) AS v
SELECT (SELECT count(*) FROM solid OFFSET 1) IS NULL AS v
SELECT (SELECT 1 LIMIT 0) IS NULL AS v
WITH w AS (SELECT k FROM solid) SELECT (SELECT k + 1 FROM w WHERE k > 99) IS NULL AS v
SELECT id FROM people ORDER BY (SELECT k FROM solid WHERE k > 99), id
SELECT p.id FROM people p JOIN depts d ON d.id = p.dept AND (SELECT k FROM solid WHERE k > 99) IS NULL
SELECT id, sum(id) FROM people GROUP BY id HAVING (SELECT k FROM solid WHERE k > 99) IS NULL
SELECT (SELECT k FROM solid WHERE k > 99) AS v FROM depts
SELECT id FROM (SELECT 1 AS id, 2 AS b) x FULL JOIN (SELECT 2 AS id, 3 AS c) y USING (id)
SELECT * FROM (SELECT 1 AS id, 2 AS b) x FULL JOIN (SELECT 2 AS id, 3 AS c) y USING (id)
SELECT k FROM gaps RIGHT JOIN solid USING (k) ORDER BY k
SELECT * FROM gaps RIGHT JOIN solid USING (k)
SELECT * FROM gaps FULL JOIN solid USING (k) ORDER BY k
SELECT DISTINCT k FROM gaps FULL JOIN solid USING (k) ORDER BY k
SELECT k, count(*) FROM gaps g FULL JOIN solid s USING (k) GROUP BY k HAVING k > 0 ORDER BY k
SELECT id, title FROM people p JOIN depts d USING (id) WHERE id < 10
SELECT * FROM people p NATURAL JOIN depts d WHERE id < 10
SELECT p.* FROM people p NATURAL JOIN (SELECT 1 AS id) x
SELECT * FROM (SELECT 1 AS id) a FULL JOIN (SELECT 2 AS id) b USING (id) FULL JOIN (SELECT 2 AS id) c USING (id)
SELECT id, sum(id) OVER (ORDER BY id) FROM people p RIGHT JOIN depts d USING (id)
SELECT id FROM people p FULL JOIN depts d USING (id) WHERE EXISTS (SELECT 1 FROM solid WHERE k = id)
SELECT id, (SELECT max(k) FROM gaps WHERE k <= id) FROM people p FULL JOIN depts d USING (id)
SELECT * FROM people p NATURAL FULL JOIN (SELECT 9 AS id, 8 AS zz) x
SELECT p.id, d.id FROM people p FULL JOIN depts d USING (id)
SELECT id AS x, title AS id FROM people p FULL JOIN depts d USING (id) ORDER BY id
SELECT * FROM (SELECT * FROM people p FULL JOIN depts d USING (id)) q WHERE q.id > 2
WITH w AS (SELECT id, title FROM depts) SELECT id, title FROM people RIGHT JOIN w USING (id) ORDER BY id DESC LIMIT 2
SELECT count(*), max(id) FROM people FULL JOIN depts USING (id) WHERE id IS NOT NULL
SELECT id FROM depts RIGHT JOIN people USING (id) UNION SELECT k FROM gaps LEFT JOIN solid USING (k) ORDER BY 1
SELECT * FROM void NATURAL RIGHT JOIN gaps
SELECT x.k, id FROM solid x, people p RIGHT JOIN depts d USING (id) WHERE x.k = id
SELECT DISTINCT ON (k) k FROM gaps FULL JOIN solid USING (k) ORDER BY k
SELECT id, (SELECT count(*) FROM gaps WHERE k = p.id GROUP BY k LIMIT 1) AS v FROM people p
SELECT id, (SELECT count(*) FROM gaps WHERE k = p.id LIMIT 1) AS v FROM people p
((SELECT k FROM gaps) ORDER BY k LIMIT 1) EXCEPT ALL SELECT 7
((SELECT k FROM solid) ORDER BY k LIMIT 2) INTERSECT ALL SELECT k FROM solid
SELECT id, ((SELECT k FROM solid WHERE k >= p.id) ORDER BY k LIMIT 1) AS v FROM people p
SELECT id, (SELECT count(*) FROM (SELECT k FROM gaps WHERE k <= p.id LIMIT NULL) t) AS v FROM people p
SELECT id, (SELECT count(*) FROM (SELECT k FROM gaps WHERE k <= p.id LIMIT ALL) t) AS v FROM people p
SELECT k FROM gaps LIMIT ALL
SELECT id FROM people p WHERE EXISTS ((SELECT k FROM solid WHERE k >= p.id) LIMIT 0)
SELECT id FROM people p WHERE EXISTS ((SELECT k FROM solid WHERE k >= p.id))
SELECT id, EXISTS ((SELECT k FROM solid WHERE k >= p.id) LIMIT 1) AS v FROM people p
SELECT TIMESTAMP '2024-01-03 00:00:00' - TIMESTAMP '2024-01-01 00:00:00' > INTERVAL '1 day' AS v
SELECT id, t - lag(t) OVER (ORDER BY id) > INTERVAL '1 day' AS v FROM (VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), (2, TIMESTAMP '2024-01-03 00:00:00'), (3, TIMESTAMP '2024-01-03 05:00:00')) x (id, t)
SELECT id FROM (VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), (2, TIMESTAMP '2024-01-03 00:00:00'), (3, TIMESTAMP '2024-03-03 05:00:00')) x (id, t) WHERE t - TIMESTAMP '2024-01-01 00:00:00' BETWEEN INTERVAL '1 day' AND INTERVAL '1 month'
SELECT INTERVAL '25 hours' > INTERVAL '1 day' AS v
SELECT INTERVAL '24 hours' = INTERVAL '1 day' AS v
SELECT INTERVAL '30 days' = INTERVAL '1 month' AS v
SELECT INTERVAL '24 hours' IN (INTERVAL '1 day') AS v
SELECT coalesce(TIMESTAMP '2024-01-03 00:00:00' - TIMESTAMP '2024-01-01 00:00:00', INTERVAL '3 days') < INTERVAL '2 days 1 hour' AS v
SELECT TIMESTAMP '2024-01-03 00:00:00' - TIMESTAMP '2024-01-01 00:00:00' >= - INTERVAL '1 day' + INTERVAL '3 days' AS v
SELECT id FROM (VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), (2, TIMESTAMP '2024-01-03 00:00:00')) x (id, t) WHERE t > TIMESTAMP '2024-01-02 00:00:00' - INTERVAL '1 month' AND t < DATE '2024-01-02' + INTERVAL '1 day'
SELECT id, name FROM people WHERE name SIMILAR TO '(A|B)%'
SELECT id, name SIMILAR TO 'A_n' AS v FROM people
SELECT id FROM people WHERE name NOT SIMILAR TO 'A%|%e%'
SELECT 'a.b' SIMILAR TO 'a.b' AS v, 'axb' SIMILAR TO 'a.b' AS w, 'a%' SIMILAR TO 'a\%' AS x, 'ab' SIMILAR TO 'a[%b]' AS y, 'aac' SIMILAR TO 'a{2}[^ab]' AS z
SELECT mod(id, 3) AS v, mod(-id, 3) + 1 AS w, -mod(id + 1, 2) AS x FROM people
SELECT id FROM people WHERE mod(id, 2) = 1 AND id IN (SELECT mod(k, 5) FROM solid)
SELECT * FROM gaps NATURAL FULL JOIN solid
SELECT * FROM gaps FULL JOIN solid USING (k)
SELECT * FROM gaps RIGHT JOIN solid USING (k)
SELECT k, count(*) FROM gaps FULL JOIN solid USING (k) GROUP BY k
SELECT count(*) FROM people WHERE name SIMILAR TO 'A%' AND pay > 50
SELECT (SELECT (SELECT k FROM solid WHERE k > 99)) IS NULL AS v
SELECT id, (SELECT (SELECT k FROM solid WHERE k > 99) FROM gaps WHERE k = p.id LIMIT 1) IS NULL AS v FROM people p
SELECT (SELECT id FROM people p WHERE id = (SELECT max(k) FROM solid WHERE k = p.id AND k > 50)) IS NULL AS v
SELECT d.*, p.* FROM people p FULL JOIN depts d USING (id) WHERE p.id IS NULL OR d.id IS NULL
SELECT id, v FROM people FULL JOIN (VALUES (1, 2), (99, 3)) x (id, v) USING (id)
SELECT id, row_number() OVER (PARTITION BY id ORDER BY id) FROM people FULL JOIN depts USING (id) ORDER BY id LIMIT 3
WITH a AS (SELECT 1 AS id), b AS (SELECT id FROM a FULL JOIN depts USING (id)) SELECT * FROM b
SELECT id, CASE WHEN id > 3 THEN 'x' END AS c FROM depts LEFT JOIN people USING (id) WHERE id > 1 GROUP BY id ORDER BY id
SELECT 1 AS one FROM (SELECT k FROM gaps UNION SELECT k FROM solid) a RIGHT JOIN solid b USING (k) WHERE k > 1
SELECT i, (SELECT max(x) FROM floats g WHERE g.i <= f.i) AS x FROM floats f
SELECT i, (SELECT min(x) FROM floats g WHERE g.i <= f.i) AS x FROM floats f
SELECT i, (SELECT min(x) FROM floats g WHERE g.i >= f.i AND g.i < 3) AS x FROM floats f
SELECT i, (SELECT max(x) FILTER (WHERE g.i > 1) FROM floats g WHERE g.i <= f.i) AS x FROM floats f
SELECT i, (SELECT y FROM (SELECT max(x) AS y FROM floats g WHERE g.i <= f.i) t) AS x FROM floats f
SELECT i, (SELECT max(g.x) FROM floats g, solid WHERE g.i <= f.i HAVING max(g.x) > 1) AS x FROM floats f
SELECT (SELECT x.k FROM solid x LEFT JOIN unknown z ON x.k = z.k WHERE x.k > 99) IS NULL AS v
WITH w AS (SELECT x.k FROM solid x LEFT JOIN unknown z ON x.k = z.k) SELECT coalesce((SELECT k FROM w WHERE k > 99), 0) AS v
SELECT x1.dept AS o0, ((SELECT u6.k FROM solid u6 LEFT JOIN gaps x7 ON u6.k < x7.k WHERE x7.k IS NOT DISTINCT FROM u6.k ORDER BY u6.k DESC NULLS LAST LIMIT 1) IN (SELECT DISTINCT x1.boss FROM nums p JOIN gaps x4 ON p.a < x4.k WHERE p.a <> u2.b INTERSECT SELECT t5.a FROM nums t5)) AS o1 FROM people x1 LEFT JOIN nums u2 ON x1.id = u2.a WHERE u2.b = u2.b
SELECT t1.k AS g, count(*) AS n, (SELECT x4.id FROM (SELECT DISTINCT k AS id, k AS b FROM solid) x4 LEFT JOIN unknown z ON x4.b = z.k WHERE x4.id = k ORDER BY x4.id NULLS LAST LIMIT 1) AS v FROM (SELECT b AS k, b AS b FROM nums WHERE a > 0) t1 GROUP BY t1.k HAVING max(t1.b) IN (SELECT k FROM gaps)
SELECT id, (SELECT DISTINCT k FROM solid WHERE k > p.id ORDER BY k DESC LIMIT 1) AS v FROM people p
SELECT id, (SELECT DISTINCT k AS y FROM solid WHERE k > p.id ORDER BY y LIMIT 1) AS v FROM people p
SELECT id, (SELECT DISTINCT k + 1 FROM solid WHERE k > p.id ORDER BY k + 1 DESC LIMIT 1) AS v FROM people p
SELECT id, (SELECT k FROM solid WHERE k > p.id UNION SELECT 100 ORDER BY k DESC LIMIT 1) AS v FROM people p
SELECT id, (SELECT k AS y FROM solid WHERE k > p.id UNION SELECT 100 ORDER BY y LIMIT 1) AS v FROM people p
SELECT id, name LIKE '%!_%' ESCAPE '!' AS a, name NOT LIKE 'A!d_' ESCAPE '!' AS b, name ILIKE 'a!D%' ESCAPE '!' AS c, name LIKE 'Ad%' ESCAPE '' AS d FROM people WHERE name LIKE 'AAd%' ESCAPE 'A' OR name LIKE '!%' ESCAPE '!' OR id > 0
SELECT v, v LIKE 'a!_b' ESCAPE '!' AS a, v LIKE 'a\!_b' ESCAPE '!' AS b, v LIKE 'a!!b' ESCAPE '!' AS c, v NOT LIKE '%\%' ESCAPE '!' AS d, v LIKE 'a%%%%b' ESCAPE '%' AS e, v LIKE 'a__b' ESCAPE '_' AS f, v LIKE 'a\%' ESCAPE '' AS g, v ILIKE 'A!\_' ESCAPE '!' AS h, v LIKE 'a!xb' ESCAPE '!' AS i FROM (VALUES (1, 'a_b'), (2, 'axb'), (3, 'a!b'), (4, 'a\b'), (5, 'a%b'), (6, 'a%%b'), (7, 'a\!_b'), (8, 'a\%'), (9, 'a\'), (10, ''), (11, NULL), (12, 'a\_b')) AS t(id, v)
SELECT p.id FROM people p JOIN depts d ON p.dept = d.id AND 7 NOT IN (SELECT k FROM solid)
SELECT p.id FROM people p JOIN depts d ON p.dept = d.id AND 77 NOT IN (SELECT k FROM gaps)
SELECT p.id FROM people p JOIN depts d ON p.dept = d.id AND 7 NOT IN (SELECT k FROM void)
SELECT p.id FROM people p LEFT JOIN depts d ON p.dept = d.id AND 77 NOT IN (SELECT k FROM gaps)
SELECT a.c, b.c FROM (SELECT count(*) AS c FROM people) a JOIN (SELECT count(*) AS c FROM depts) b ON 1 > 2
SELECT p.id, b.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts) b ON 1 > 2
SELECT p.id, b.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts) b ON p.id < b.c AND 1 > 2
SELECT p.id, b.n FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts) b (n) ON NULL
SELECT p.id, b.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts) b ON (NULL AND p.id > 1) AND (p.id < b.c)
SELECT p.id, a.c FROM (SELECT count(*) AS c FROM depts) a RIGHT JOIN people p ON 1 > 2 AND p.id > a.c
SELECT p.id, a.c FROM (SELECT count(*) AS c FROM depts) a FULL JOIN people p ON 1 > 2
WITH w AS (SELECT count(*) AS c FROM depts) SELECT x.c FROM w AS x JOIN w AS y ON '1969-12-31' >= '2024-02-29'
WITH w AS (SELECT count(*) AS c FROM depts) SELECT x.c, y.c FROM w x LEFT JOIN w y ON FALSE LEFT JOIN w z ON 1 = 1
WITH w AS (SELECT dept, count(*) AS c FROM people GROUP BY GROUPING SETS (dept, ())) SELECT x.c FROM w x JOIN w y ON 1.5 IN (0.1, 0.5)
SELECT p.id, d.title FROM people p LEFT JOIN depts d ON p.dept = d.id AND 1 > 2
SELECT p.id, b.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts UNION ALL SELECT 5) b ON 1 > 2
SELECT p.id, b.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM depts) b ON 1 < 2 AND p.id = b.c
SELECT count(*) AS c FROM people HAVING (SELECT count(*) FROM depts) = 0
SELECT count(*) AS c FROM people HAVING (SELECT count(*) FROM depts) > 0
SELECT count(*) AS c FROM people HAVING (SELECT max(id) FROM depts) > 99 AND count(*) > 0
SELECT dept, count(*) AS c FROM people GROUP BY GROUPING SETS (dept, ()) HAVING (SELECT count(*) FROM depts) = 0
SELECT dept, count(*) AS c FROM people GROUP BY dept HAVING (SELECT count(*) FROM depts) > 0
SELECT o.c FROM (SELECT count(*) AS c FROM people) o WHERE (SELECT count(*) FROM depts) = 0
SELECT o.c FROM (SELECT count(*) AS c FROM people) o WHERE (SELECT count(*) FROM depts) > 0 OR (SELECT max(id) FROM depts) IS NULL
WITH o AS (SELECT count(*) AS c FROM people) SELECT o.c, d.id FROM o JOIN depts d ON d.id > 0 WHERE (SELECT max(id) FROM depts) > 99
SELECT o.c FROM (SELECT count(*) AS c FROM people) o WHERE (SELECT max(id) FROM depts WHERE id < o.c) > 0
SELECT d.id, w.c FROM (SELECT count(*) AS c FROM people) w JOIN depts d ON 1 > 2
SELECT v.c FROM depts d LEFT JOIN (SELECT w.c FROM people p LEFT JOIN (SELECT count(*) AS c FROM gaps) w ON 1 > 2) v ON 4 > 3
WITH w AS (SELECT count(*) AS c FROM people) SELECT d.id, x.c FROM depts d LEFT JOIN W AS x ON '1969' >= '2024'
WITH w AS (SELECT count(*) AS c FROM people) SELECT * FROM W WHERE (SELECT max(id) FROM depts) > 99
WITH w AS (SELECT count(*) AS c FROM people), v AS (SELECT c FROM w) SELECT d.id, v.c FROM depts d LEFT JOIN v ON 1 > 2
SELECT d.id, w.c FROM depts d LEFT JOIN (SELECT count(*) AS c FROM people) w ON interval '1 day' > interval '2 day'
SELECT d.id, w.c, s.k FROM depts d LEFT JOIN (SELECT count(*) AS c FROM people) w ON 1 > 2, solid s
