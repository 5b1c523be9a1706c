-- id: overdraft
-- title: Overdrafts of the subscription balance
-- severity: posted high, unknown medium, refused low, not_applied low
-- sums: 0 or more; newBalance; unknown, and the latest posted one of a balance that is still below zero: what is below zero, else 0 (the gap of a refused one stands under out_of_sync)
-- question: Which transactions took, or would have taken, a subscription balance below zero?
-- why: A balance below zero is money that the company has delivered for and not been paid. A refused one was stopped in time, but the wallet may have paid it out all the same.
-- do: Posted: collect the amount or correct the posting. Unknown: see whether the balance really went below zero. Refused or not applied: look at the gap of the same subscriber under out_of_sync.
-- advice posted: Accounting: collect what is still below zero, or correct the postings that took it there.
-- advice unknown: Accounting: look up in the subscription service whether these balances really went below zero.
-- explain posted: Transaction {transaction_id} took the subscription balance of {subscriber_id} to {logged}; it should not be below zero. [It had been {crossed_from} before.] [It was back at zero or above on {back_at}, {days_below} days later.] [{still}]
-- explain unknown: Transaction {transaction_id} would take the subscription balance of {subscriber_id} to {logged}; the logs do not tell whether it was carried out ({outcome}).
-- explain refused: Transaction {transaction_id} would have taken the subscription balance of {subscriber_id} to {logged}; the service refused it.
-- explain not_applied: Transaction {transaction_id} would have taken the subscription balance of {subscriber_id} to {logged}; it was not carried out ({outcome}).
WITH judged AS (
    SELECT
        t.*,
        CASE
            WHEN t.outcome = 'applied' THEN 'posted'
            WHEN t.outcome = 'blocked' THEN 'refused'
            WHEN t.subscription_after IS NULL THEN 'unknown'
            WHEN abs(t.subscription_after - t.new_balance) <= t.minor_unit THEN 'posted'
            ELSE 'not_applied'
        END AS cause
    FROM transactions AS t
    WHERE t.new_balance < 0
),
returns AS (
    SELECT
        j.attempt_id,
        min(t.at) AS back_at
    FROM judged AS j
    INNER JOIN transactions AS t
        ON
            t.subscriber_id = j.subscriber_id
            AND t.currency = j.currency
            AND t.position > j.position
            AND t.subscription_after >= 0
    WHERE j.cause = 'posted'
    GROUP BY j.attempt_id
),
ranked AS (
    SELECT
        j.*,
        r.back_at,
        -- Each of a row of overdrafts contains those before it: only the latest is owed.
        row_number() OVER (
            PARTITION BY j.subscriber_id, j.currency, j.cause ORDER BY j.position DESC
        ) AS number
    FROM judged AS j
    LEFT JOIN returns AS r ON r.attempt_id = j.attempt_id
)
SELECT
    j.attempt_id AS subject,
    j.subscriber_id,
    j.currency,
    j.at,
    j.cause,
    CAST(0 AS DECIMAL(18, 6)) AS expected,
    j.new_balance AS logged,
    j.new_balance AS difference,
    CASE
        WHEN j.cause = 'unknown' THEN -j.new_balance
        WHEN j.cause = 'posted' AND j.back_at IS NULL AND j.number = 1 THEN -j.new_balance
        ELSE 0
    END AS amount_at_risk,
    j.transaction_id,
    j.attempt_id,
    j.request_id,
    j.file_id,
    j.first_line,
    j.last_line,
    j.outcome,
    j.action,
    CASE WHEN j.cause = 'posted' AND j.old_balance >= 0 THEN j.old_balance END AS crossed_from,
    j.back_at,
    round(
        CAST(extract(DAY FROM j.back_at - j.at) AS DOUBLE)
        + CAST(extract(HOUR FROM j.back_at - j.at) AS DOUBLE) / 24e0
        + CAST(extract(MINUTE FROM j.back_at - j.at) AS DOUBLE) / 1440e0, 1
    ) AS days_below,
    CASE
        WHEN j.cause = 'posted' AND j.back_at IS NULL
            THEN 'The logs do not show it back at zero or above.'
    END AS still
FROM ranked AS j
