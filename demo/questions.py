"""The three questions of the demonstration. Each needs more than one source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in words and in SQL."""

    words: str
    sql: str


QUESTIONS = (
    Question(
        "Which nations missed their sales target for 1997 by most?  (PostgreSQL, Parquet, CSV)",
        """\
SELECT n_name AS nation, target, sum(l_extendedprice * (1 - l_discount)) AS revenue,
       round(100 * CAST(sum(l_extendedprice * (1 - l_discount)) AS double) / target, 1) AS percent
FROM nation
JOIN customer ON c_nationkey = n_nationkey
JOIN orders ON o_custkey = c_custkey
JOIN lineitem ON l_orderkey = o_orderkey
JOIN sales_targets ON nation = n_name AND year = 1997
WHERE o_orderdate BETWEEN DATE '1997-01-01' AND DATE '1997-12-31'
GROUP BY n_name, target
HAVING sum(l_extendedprice * (1 - l_discount)) < target
ORDER BY percent, nation
LIMIT 5""",
    ),
    Question(
        "Which urgent orders of machinery makers had most still to ship on 15 March 1995?"
        "  (PostgreSQL, Parquet)",
        """\
SELECT c_name AS customer, o_orderkey, o_orderdate,
       sum(l_extendedprice * (1 - l_discount)) AS still_to_ship
FROM customer
JOIN orders ON o_custkey = c_custkey
JOIN lineitem ON l_orderkey = o_orderkey
WHERE c_mktsegment = 'MACHINERY' AND o_orderpriority = '1-URGENT'
  AND o_orderdate BETWEEN DATE '1995-01-01' AND DATE '1995-03-14'
  AND l_shipdate > DATE '1995-03-15'
GROUP BY c_name, o_orderkey, o_orderdate
ORDER BY still_to_ship DESC, o_orderkey
LIMIT 5""",
    ),
    Question(
        "Where is our stock of promotional brass parts, from suppliers in credit?"
        "  (PostgreSQL, Parquet)",
        """\
SELECT r_name AS region, count(DISTINCT s_suppkey) AS suppliers, sum(ps_availqty) AS pieces,
       sum(ps_supplycost * ps_availqty) AS stock_value
FROM region
JOIN nation ON n_regionkey = r_regionkey
JOIN supplier ON s_nationkey = n_nationkey
JOIN partsupp ON ps_suppkey = s_suppkey
JOIN part ON p_partkey = ps_partkey
WHERE p_type LIKE 'PROMO%BRASS' AND s_acctbal > 0
GROUP BY r_name
ORDER BY stock_value DESC""",
    ),
)
