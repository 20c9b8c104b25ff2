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
