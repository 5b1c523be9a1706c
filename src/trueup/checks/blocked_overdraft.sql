-- id: blocked_overdraft
-- title: Messages stopped before an overdraft
-- severity: not_logged medium, logged low
-- sums: 0 or more; newBalance of its transaction, where one was logged; 0 (its gap stands under out_of_sync)
-- question: Which messages did the service stop because the subscription balance would have gone below zero?
-- why: The wallet may have moved all the same, and then the two balances differ from here on. Where no transaction was logged, no other check can see it.
-- do: Compare the subscriber's wallet with the subscription balance; where no transaction was logged, look it up in the wallet first.
-- explain logged: The service stopped message {message_id} of {subscriber_id}, whose balance was {current_balance}: transaction {transaction_id} would have taken it to {logged}.
-- explain not_logged: The service stopped message {message_id} of {subscriber_id}, whose balance was {current_balance}; its transaction {transaction_id} was not logged. [{currency_note}]
WITH only_currencies AS (
    SELECT
        t.subscriber_id,
        min(t.currency) AS currency
    FROM transactions AS t
    GROUP BY t.subscriber_id
    HAVING min(t.currency) = max(t.currency)
)
SELECT
    m.attempt_id AS subject,
    m.subscriber_id,
    coalesce(t.currency, o.currency) AS currency,
    m.at,
    CASE WHEN t.attempt_id IS NULL THEN 'not_logged' ELSE 'logged' END AS cause,
    CASE WHEN t.attempt_id IS NOT NULL THEN CAST(0 AS DECIMAL(18, 6)) END AS expected,
    t.new_balance AS logged,
    t.new_balance AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    coalesce(t.transaction_id, m.transaction_id) AS transaction_id,
    m.attempt_id,
    m.request_id,
    m.file_id,
    m.first_line,
    m.last_line,
    m.message_id,
    m.current_balance,
    CASE
        WHEN t.currency IS NULL AND o.currency IS NOT NULL
            THEN 'The currency is that of the subscriber''s other transactions.'
        WHEN t.currency IS NULL THEN 'Its currency is not known.'
    END AS currency_note
FROM messages AS m
LEFT JOIN transactions AS t ON t.attempt_id = m.attempt_id
LEFT JOIN only_currencies AS o ON o.subscriber_id = m.subscriber_id
WHERE m.outcome = 'blocked'
