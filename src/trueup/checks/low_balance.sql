-- id: low_balance
-- title: Balances that are running out
-- severity: short low, low info
-- lasts: yes
-- sums: the threshold or more (setting checks.low_balance); last known subscription balance; 0
-- question: Whose last balance is below the threshold, and how many days of deductions does it still cover?
-- why: The next deliveries will be refused or will overdraw the balance. A balance that does not cover one more day of deductions, at the pace of this subscriber, is short.
-- do: Short: ask for a payment before the next delivery. Low: nothing yet. First see when the balance was last seen: a subscriber who was not seen for long before the logs end is probably no longer active.
-- explain short: The subscription balance of {subscriber_id} was {logged} on {at}, when it was last seen. It does not cover another day of deductions, which takes {deducted_per_day} on average.
-- explain low: The subscription balance of {subscriber_id} was {logged} on {at}, when it was last seen: below {expected}. [A day of deductions takes {deducted_per_day} on average: the balance covers {days_covered} of them.]
WITH ends AS (
    SELECT
        t.subscriber_id,
        max(t.position) AS position
    FROM transactions AS t
    WHERE
        t.subscription_after IS NOT NULL
        AND t.subscriber_id IS NOT NULL
        AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
lows AS (
    SELECT
        t.*,
        c.low_balance
    FROM ends AS e
    INNER JOIN transactions AS t
        ON t.subscriber_id = e.subscriber_id AND t.position = e.position
    INNER JOIN currencies AS c ON c.currency = t.currency
    WHERE t.subscription_after >= 0 AND t.subscription_after < c.low_balance
),
paces AS (
    SELECT
        t.subscriber_id,
        t.currency,
        CAST(-sum(t.delta) AS DECIMAL(20, 6)) AS deducted,
        CAST(count(DISTINCT CAST(t.at AS DATE)) AS DECIMAL(9, 0)) AS days
    FROM transactions AS t
    INNER JOIN lows AS l ON l.subscriber_id = t.subscriber_id AND l.currency = t.currency
    WHERE t.type = 'DEBIT' AND t.outcome = 'applied' AND t.delta < 0
    GROUP BY t.subscriber_id, t.currency
)
SELECT
    concat(l.subscriber_id, '/', l.currency) AS subject,
    l.subscriber_id,
    l.currency,
    l.at,
    CASE
        WHEN l.subscription_after * p.days < p.deducted THEN 'short'
        ELSE 'low'
    END AS cause,
    l.low_balance AS expected,
    l.subscription_after AS logged,
    l.subscription_after - l.low_balance AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    l.transaction_id,
    l.attempt_id,
    l.request_id,
    l.file_id,
    l.first_line,
    l.last_line,
    CAST(NULL AS TIMESTAMP) AS lasts_until,
    CAST(CAST(p.deducted AS DOUBLE) / CAST(p.days AS DOUBLE) AS DECIMAL(18, 2))
        AS deducted_per_day,
    round(
        CAST(l.subscription_after AS DOUBLE) * CAST(p.days AS DOUBLE)
        / CAST(p.deducted AS DOUBLE), 1
    ) AS days_covered
FROM lows AS l
LEFT JOIN paces AS p ON p.subscriber_id = l.subscriber_id AND p.currency = l.currency
