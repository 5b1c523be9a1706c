-- id: currency_change
-- title: Subscribers in two currencies
-- severity: medium
-- sums: none; none; 0
-- question: Which subscribers have transactions in more than one currency?
-- why: Each currency has balances of its own, and nothing carries over from one to the other. Whoever adds them up, or compares them, gets a wrong figure.
-- do: See that the balance in the old currency was settled when the subscriber changed.
-- advice: Accounting: see that the balance in the old currency was settled when these subscribers changed to another.
-- explain: Transaction {transaction_id} of {subscriber_id} is the first in {currency}; until then the subscriber had {first_currency}.
WITH firsts AS (
    SELECT
        t.subscriber_id,
        t.currency,
        min(t.position) AS position
    FROM transactions AS t
    WHERE t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
changes AS (
    SELECT
        f.*,
        first_value(f.currency) OVER (PARTITION BY f.subscriber_id ORDER BY f.position)
            AS first_currency,
        row_number() OVER (PARTITION BY f.subscriber_id ORDER BY f.position) AS number
    FROM firsts AS f
)
SELECT
    concat(c.subscriber_id, '/', c.currency) AS subject,
    c.subscriber_id,
    c.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    CAST(NULL AS DECIMAL(18, 6)) AS expected,
    CAST(NULL AS DECIMAL(18, 6)) AS logged,
    CAST(NULL AS DECIMAL(18, 6)) AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    c.first_currency
FROM changes AS c
INNER JOIN transactions AS t
    ON t.subscriber_id = c.subscriber_id AND t.position = c.position
WHERE c.number > 1
