SELECT dept, count(*) FROM people GROUP BY ALL ORDER BY ALL
SELECT dept, boss FROM people ORDER BY ALL DESC
SELECT * EXCLUDE (pay) REPLACE (id + 1 AS id) FROM people
SELECT p.* EXCLUDE (pay) FROM people p
SELECT p.* REPLACE (id + 1 AS id) FROM people p
SELECT dept AS d, count(*) FROM people GROUP BY d HAVING d > 1
SELECT * FROM nums n SEMI JOIN gaps g ON n.a = g.k
SELECT * FROM nums n ANTI JOIN gaps g ON n.a = g.k
SELECT id, dept FROM people QUALIFY count(*) OVER (PARTITION BY dept) > 1
SELECT id, rank() OVER w AS r FROM people WINDOW w AS (ORDER BY pay) QUALIFY r = 1
SELECT * FROM people QUALIFY row_number() OVER (PARTITION BY dept ORDER BY id) = 1
SELECT DISTINCT dept FROM people QUALIFY row_number() OVER (PARTITION BY dept ORDER BY id) = 1
SELECT id FROM people p QUALIFY id IN (SELECT k FROM gaps) AND row_number() OVER (ORDER BY id) < 5
SELECT unnest([1, 2]), id FROM people
SELECT id, unnest([1,2]), unnest([1,2]) FROM people
SELECT * FROM people PIVOT (sum(id) FOR dept IN (1, 2))
SELECT * FROM (SELECT dept, boss, id FROM people) PIVOT (sum(id) AS s, count(*) AS n FOR dept IN (1 AS one, 2 AS two))
SELECT * FROM (SELECT dept, id FROM people) PIVOT (sum(id) FOR dept IN (1, 2))
SELECT * FROM (SELECT dept, id FROM people WHERE id > 99) PIVOT (sum(id) FOR dept IN (1, 2))
SELECT * FROM (SELECT dept, boss, id FROM people WHERE id > 99) PIVOT (sum(id) FOR dept IN (1, 2))
SELECT * FROM (SELECT name, dept, pay FROM people) PIVOT (max(pay) FOR name IN ('Ann', 'Bob' AS b)) ORDER BY dept
SELECT q.dept, q.one FROM (SELECT name, dept, id FROM people) PIVOT (count(id) FOR name IN ('Ann' AS one)) AS q WHERE q.dept > 0
SELECT * FROM people PIVOT (sum(id) FOR dept IN (1, 2) GROUP BY boss)
SELECT * FROM nums UNPIVOT (v FOR n IN (a, b))
SELECT * FROM nums UNPIVOT INCLUDE NULLS (v FOR n IN (a, b))
SELECT n, count(*), sum(v) FROM nums UNPIVOT (v FOR n IN (a AS 'x', b)) u GROUP BY n
SELECT * FROM people UNPIVOT (v FOR n IN (boss, dept)) WHERE v > 1
SELECT u.id, u.n, u.v FROM people UNPIVOT (v FOR n IN (boss, dept)) AS u JOIN solid s ON s.k = u.v
SELECT id, (SELECT sum(v) FROM nums UNPIVOT (v FOR n IN (a, b)) WHERE v < p.id) FROM people p
WITH w AS (SELECT dept, id FROM people) SELECT * FROM w PIVOT (count(*) FOR dept IN (1, 2, 3))
SELECT m.k FROM gaps m FULL JOIN unknown n ON m.k IS NOT DISTINCT FROM n.k
SELECT id FROM people QUALIFY row_number() OVER (PARTITION BY dept ORDER BY id) IN (SELECT k FROM solid)
SELECT id FROM people QUALIFY row_number() OVER (PARTITION BY dept ORDER BY id) < 3 AND id IN (SELECT k FROM gaps)
SELECT b, a FROM (SELECT a, b FROM nums UNION ALL (SELECT b, a FROM nums LIMIT 99)) UNION ALL SELECT b, b + 7 FROM nums
SELECT b, a FROM (SELECT a, b FROM nums UNION ALL SELECT DISTINCT b, a FROM nums) u UNION ALL SELECT id, boss FROM people
SELECT b FROM ((SELECT a, b FROM nums UNION ALL (SELECT id, boss FROM people LIMIT 99))) WHERE b > 1 UNION ALL SELECT k FROM gaps
SELECT a, b FROM (SELECT b, a FROM (SELECT a, b FROM nums UNION ALL (SELECT b, a FROM nums LIMIT 99)) UNION ALL (SELECT b, a FROM nums LIMIT 99)) UNION ALL SELECT 8, 9
SELECT 1 AS b, 2 AS a UNION ALL BY NAME (SELECT a, b FROM nums UNION ALL (SELECT b, a FROM nums LIMIT 99)) UNION ALL BY NAME SELECT k AS b FROM gaps
(SELECT a, b FROM nums UNION ALL (SELECT b, a FROM nums LIMIT 99)) UNION ALL BY NAME SELECT id AS b, boss AS a FROM people
WITH u AS (SELECT id, boss FROM people UNION ALL (SELECT b, a FROM nums LIMIT 99)) SELECT boss, id FROM u UNION ALL SELECT k, k FROM gaps UNION ALL SELECT id, boss FROM u WHERE boss > 0
SELECT a, b FROM nums WHERE false UNION ALL (SELECT DISTINCT b, a FROM nums) UNION ALL (SELECT k, k FROM gaps WHERE false)
SELECT * FROM (SELECT id, boss FROM people WHERE false UNION ALL (SELECT boss, id FROM people ORDER BY id LIMIT 3)) p
SELECT id, boss FROM people WHERE false UNION ALL (SELECT boss, id FROM people EXCEPT SELECT 1, 2)
SELECT a, b FROM nums WHERE false UNION ALL VALUES (7, 8), (7, 8)
SELECT id FROM people p WHERE EXISTS (SELECT DISTINCT a FROM nums WHERE a = p.id) UNION ALL (SELECT k FROM gaps ORDER BY k LIMIT 2)
