SELECT t2."c0" AS c2 FROM nothing AS t1 LEFT JOIN (SELECT t3."i4" AS c0 FROM odd AS t3) AS t2 ON t1."id" = t2."c0" WHERE t1."f8" <> t2."c0"
SELECT t1."t" AS c0 FROM texts AS t1 FULL JOIN nothing AS t2 ON t1."id" IS NOT DISTINCT FROM t2."id"
SELECT t1."t" AS c0 FROM texts AS t1 FULL JOIN pairs AS t2 ON t1."id" = t2."a" FULL JOIN texts AS t3 ON t2."b" IS NOT DISTINCT FROM t3."id"
SELECT t1."t" AS c0 FROM texts AS t1 FULL JOIN pairs AS t2 ON t1."id" = t2."a" AND t1."id" < t2."b"
SELECT t1."t" AS c0 FROM texts AS t1 FULL JOIN pairs AS t2 ON t1."id" = 3
SELECT t1."id" AS c0 FROM texts AS t1 FULL JOIN pairs AS t2 ON true
SELECT t1."t" AS c0, BOOL_AND(DISTINCT TRUE) AS c2, COUNT(t1."id") AS c3 FROM texts AS t1 GROUP BY 1
SELECT BOOL_OR(DISTINCT t2."t" LIKE 'Z') AS c0, MIN(DISTINCT t2."id") AS c1 FROM pairs AS t1 JOIN texts AS t2 ON t1."a" = t2."id"
SELECT t1."b" AS c0 FROM pairs AS t1 UNION ALL SELECT CAST(t4."id" AS DECIMAL(20, 2)) AS c0 FROM pairs AS t2 JOIN nothing AS t4 ON t2."a" = t4."i4"
SELECT t1."x" AS c0, t1."y" AS c1 FROM pairs AS t1 UNION ALL SELECT t2."a" AS c0, t2."x" AS c1 FROM pairs AS t2 WHERE EXISTS(SELECT t3."n" FROM nothing AS t3)
SELECT MIN(CASE WHEN t1."c1" > 0 THEN t3."c1" END) AS c1 FROM (SELECT t2."i4" AS c1, t2."i4" AS c2 FROM nothing AS t2) AS t1 RIGHT JOIN (SELECT t4."t" AS c1, t4."id" AS c2 FROM texts AS t4) AS t3 ON t1."c2" = t3."c2"
SELECT t1."c1" AS c3 FROM (SELECT t2."id" AS c1 FROM texts AS t2) AS t1 RIGHT JOIN nothing AS t4 ON t4."id" IS NOT DISTINCT FROM t4."id"
SELECT t1."id" AS c0, BOOL_AND(DISTINCT t2."n" IN (NULL, 1.10, 0.01) IS TRUE) AS c1 FROM texts AS t1 LEFT JOIN nothing AS t2 ON t1."id" = t2."i4" GROUP BY 1
SELECT t1."y" AS c3 FROM pairs AS t1 JOIN pairs AS t2 ON (t1."x" IS NOT DISTINCT FROM t2."x") AND t1."y" = t2."x"
SELECT t1."a" AS c0, t2."b" AS c1 FROM pairs AS t1 LEFT JOIN pairs AS t2 ON (t1."a" IS NOT DISTINCT FROM t2."a") AND t1."b" = t2."b"
SELECT t1."a" AS c0, t2."b" AS c1 FROM pairs AS t1 FULL JOIN pairs AS t2 ON t1."a" = t2."a" AND (t1."b" IS NOT DISTINCT FROM t2."b")
SELECT t1."a" AS c0 FROM pairs AS t1 WHERE NOT EXISTS(SELECT 1 FROM pairs AS t2 WHERE (t1."a" IS NOT DISTINCT FROM t2."b") AND t1."b" = t2."a")
SELECT 1 AS c0, NULL AS c2 FROM texts AS t1 JOIN texts AS t2 ON t1."id" = t2."id" WHERE CASE WHEN NOT TRUE THEN t1."id" END BETWEEN 100 AND t2."id" UNION ALL SELECT t3."id" AS c0, TRUE AS c2 FROM texts AS t3
SELECT CASE t1."f8" WHEN 1.5 THEN 1 WHEN 0 THEN 2 END AS c0 FROM odd AS t1
SELECT CASE CAST(FLOOR(RANDOM() * 2) AS INT) WHEN 0 THEN 'a' WHEN 1 THEN 'b' END IS NULL AS c0, COUNT(*) AS c1 FROM texts AS t1 CROSS JOIN pairs AS t2 GROUP BY 1
SELECT t1."id" AS c0, t2."a" AS c1 FROM odd AS t1 LEFT JOIN pairs AS t2 ON t1."id" = t2."b" AND t1."id" > (SELECT MIN(t3."id") FROM texts AS t3)
SELECT t1."id" AS c0, t2."a" AS c1 FROM odd AS t1 LEFT JOIN (SELECT * FROM pairs AS t3 WHERE EXISTS(SELECT t4."id" FROM texts AS t4 WHERE t4."id" > 3)) AS t2 ON t1."id" = t2."b"
SELECT SUM(t2."id") AS c0, MAX(t1."id") AS c1 FROM nothing AS t1 JOIN texts AS t2 ON t1."t" = t2."t" WHERE NULL
SELECT t1."c0" AS c0, t1."c1" AS c1, COUNT(*) AS c2 FROM (SELECT t2."a" AS c0, t2."a" AS c1 FROM pairs AS t2) AS t1 GROUP BY ROLLUP (t1."c0", t1."c1")
SELECT LAG(t1."b", 1, NULL) OVER (ORDER BY t1."id") AS c0 FROM odd AS t1
SELECT LAG('it''s') OVER () AS c0 FROM texts AS t1
SELECT FIRST_VALUE('a\b') OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c0 FROM texts AS t1
SELECT COALESCE(ROUND(t1."x", 0), CAST(1.10 AS DECIMAL(15, 2))) AS c0 FROM pairs AS t1
SELECT CASE WHEN t1."a" > 0 THEN t1."x" ELSE ROUND(t1."x", 0) END AS c0 FROM pairs AS t1
SELECT t1."i2" AS c0, BOOL_AND(t1."b") FILTER(WHERE t1."b" IS TRUE) AS c3 FROM odd AS t1 GROUP BY 1
SELECT t2."i4" AS c0, AVG(t1."x") AS c1, MAX(t2."i4") AS c2, 9999999999999.99 AS c3 FROM pairs AS t1 JOIN odd AS t2 ON t1."x" = t2."n" GROUP BY 1 INTERSECT SELECT 2 AS c0, 0.00 AS c1, t5."i4" AS c2, t3."c2" AS c3 FROM (SELECT t4."n" AS c0, t4."id" AS c2 FROM nothing AS t4) AS t3 LEFT JOIN nothing AS t5 ON t3."c0" = t5."n"
SELECT t1."id" AS c0 FROM odd AS t1 WHERE t1."id" < 0 OR EXISTS(SELECT 1 FROM odd AS t2 WHERE t1."id" = t2."i4" AND t1."n" <> t2."n")
SELECT t1."id" AS c0 FROM odd AS t1 WHERE t1."id" < 0 OR EXISTS(SELECT 1 FROM odd AS t2 WHERE t1."id" = t2."i4" AND NOT t1."n" = t2."n")
SELECT t1."id" AS c0 FROM odd AS t1 WHERE t1."b" OR t1."id" IN (SELECT t2."a" FROM pairs AS t2) OR t1."id" IN (SELECT t3."b" FROM pairs AS t3) OR EXISTS(SELECT 1 FROM nothing AS t4 WHERE t4."id" = t1."id")
SELECT t1."mark" AS c0, t1."id" AS c1 FROM (SELECT "id", "b" AS mark FROM odd) AS t1 WHERE t1."mark" OR t1."id" IN (SELECT t2."a" FROM pairs AS t2)
SELECT t1."t" AS c0, t1."id" AS c1, t1."id" AS c2, t1."id" AS c3 FROM texts AS t1 UNION ALL SELECT t3."t" AS c0, t2."id" AS c1, t3."i4" AS c2, t2."id" AS c3 FROM texts AS t2 JOIN nothing AS t3 ON '2024-02-29 12:34:56.789012' IN ('2000-02-29') ORDER BY 1, 2, 3, 4
SELECT NOT w.c0 AS c0, w.c1 AS c1 FROM (SELECT t1."id" = 1 OR t1."t" = 'b' AS c0, t1."id" AS c1 FROM texts AS t1) AS w
WITH w AS (SELECT t2."ts" IN ('1970-01-01 00:00:00', '2024-02-29 12:34:56.789012', NULL) AS c0, t1."i4" AS c1, SUM(t1."n") AS c2 FROM odd AS t1 LEFT JOIN odd AS t2 ON t1."i4" = t2."i4" GROUP BY 1, 2) SELECT w."c2" FROM w WHERE CASE WHEN NOT w."c0" THEN w."c2" END IN (0.00, 0.01, 0.05)
SELECT t4."t" AS c0, BOOL_AND(t4."id" > 1) AS c1 FROM texts AS t4 WHERE t4."t" = NULLIF('1', '1') GROUP BY 1 UNION SELECT t6."folded" AS c0, ((t6."ts" IN (CAST('2024-02-29 12:34:56.789012' AS TIMESTAMP))) OR (t6."ts" IS NULL)) IS FALSE AS c1 FROM texts AS t5 JOIN odd AS t6 ON NOT TRUE
SELECT 100 AS c0, CAST(0.00 AS DECIMAL(15, 2)) AS c1, t1."x" AS c2 FROM pairs AS t1 UNION ALL SELECT ASCII('A') AS c0, CAST(9.00 AS DECIMAL(15, 2)) AS c1, t2."x" AS c2 FROM pairs AS t2 FULL JOIN texts AS t3 ON t2."a" = t3."id" ORDER BY 1 DESC NULLS LAST, 2 DESC NULLS LAST, 3 DESC NULLS LAST LIMIT 3
SELECT t1."folded" AS c0, 7 AS c1, COUNT(t2."a") AS c2 FROM odd AS t1 JOIN pairs AS t2 ON t1."i4" IS NOT DISTINCT FROM t2."b" JOIN texts AS t3 ON t1."folded" = t3."t" GROUP BY 1, 2
SELECT w.c0, w.place FROM (SELECT -t2."a" AS c0, ROW_NUMBER() OVER (ORDER BY t2."y" ASC NULLS FIRST, t1."a" DESC, t1."b" DESC NULLS LAST, t1."x" ASC, t1."y" ASC, t2."a" DESC, t2."b" ASC, t3."id" ASC) AS place FROM pairs AS t1 JOIN pairs AS t2 ON t1."x" = t2."x" JOIN texts AS t3 ON t2."b" IS NOT DISTINCT FROM t3."id") AS w WHERE w.place < 3
SELECT t1."i4" AS c2 FROM nothing AS t1 RIGHT JOIN texts AS t2 ON t1."t" = t2."t" WHERE LOWER(t1."t") LIKE 'a%'
SELECT t1."id" AS c1 FROM texts AS t1 WHERE NOT 7 IN (SELECT t2."i4" FROM odd AS t2)
SELECT t1."id" AS c1 FROM texts AS t1 WHERE 7 NOT IN (SELECT t2."i4" FROM odd AS t2) OR t1."id" = 1
SELECT t1."id" AS c1 FROM texts AS t1 WHERE 7 NOT IN (SELECT t2."i4" FROM odd AS t2 WHERE t2."i4" IS NOT NULL)
SELECT 100 AS c0, CAST(0.00 AS DECIMAL(15, 2)) AS c1, t1."x" AS c2 FROM pairs AS t1 UNION ALL SELECT ASCII('A') AS c0, CAST(9.00 AS DECIMAL(15, 2)) AS c1, t2."x" AS c2 FROM pairs AS t2 FULL JOIN texts AS t3 ON t2."a" = t3."id" ORDER BY 1 DESC NULLS LAST, 2 DESC NULLS LAST, 3 DESC NULLS LAST LIMIT 3
SELECT AVG(t2."n") AS c2 FROM pairs AS t1 JOIN odd AS t2 ON t1."b" IS NOT DISTINCT FROM t2."i4" JOIN texts AS t3 ON t2."folded" = t3."t"
SELECT t1."id" AS c0 FROM odd AS t1 WHERE (t1."d" IS NULL) IS NOT DISTINCT FROM (t1."i8" IN (1, 2, 3, 4, 5, 6))
SELECT t1."id" AS c0 FROM odd AS t1 WHERE (t1."i4" IN (1, 2, 3, 4, 5, 6)) = (t1."i8" IN (1, 2, 3, 4, 5, 6))
SELECT t1."id" AS c0 FROM odd AS t1 WHERE t1."b" = (t1."i4" IN (1, 2, 3, 4, 5, 6))
SELECT t1."id" AS c0 FROM odd AS t1 WHERE (t1."i4" IN (1, 2, 3, 4, 5, 6)) IN (TRUE, t1."b")
SELECT t5."folded" AS c3 FROM (SELECT t2."i4" AS c2 FROM nothing AS t2) AS t1 RIGHT JOIN odd AS t5 ON OCTET_LENGTH(t5."folded") >= 7.50 WHERE NOT 0.01 IN (SELECT t6."n" FROM odd AS t6)
WITH w AS (SELECT COUNT(t2."i4") AS c0 FROM nothing AS t1 RIGHT JOIN odd AS t2 ON t1."id" = t2."id") SELECT w2."c0" AS c0 FROM w AS w1 JOIN w AS w2 ON '1969-12-31 23:59:59.999999' >= '2024-02-29 12:34:56.789012'
WITH w AS (SELECT COUNT(*) AS c3, t1."i4" AS c4 FROM odd AS t1 GROUP BY GROUPING SETS (t1."d", t1."i4", ())) SELECT w1."c4" FROM w AS w1 JOIN (SELECT w2."c3" AS c1 FROM w AS w2) AS w3 ON 1.5 IN (0.1, 0.5, 0.5)
