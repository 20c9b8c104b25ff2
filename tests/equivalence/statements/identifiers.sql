SELECT "Id", "select", "a.b", "it""s", "😀", "Größe", "a b", "'" FROM "Mixed Case";
SELECT * FROM "Mixed Case" WHERE "a.b" > 3 ORDER BY "😀" DESC;
SELECT "Mixed Case"."Id" AS "Id.x", count(*) AS "se""lect" FROM "Mixed Case" GROUP BY "Mixed Case"."Id";
SELECT "Id", id, "ID" FROM "order";
SELECT a.id, b."ID" FROM "order" a JOIN "order" b ON a."Id" = b."Id";
SELECT a."Id", b.* FROM "order" a LEFT JOIN "Mixed Case" b ON a."Id" = b."Id";
SELECT * FROM "semi;colon--";
SELECT i AS "1", i AS "a;b", i AS "" FROM "semi;colon--";
