SELECT count(*) FROM people, depts, gaps;
SELECT 1 FROM people, depts;
SELECT count(*) FROM people;
SELECT 1 FROM people;
SELECT 'x', 1 FROM void;
SELECT count(*) FROM void;
