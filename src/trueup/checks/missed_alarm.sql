-- id: missed_alarm
-- title: Gaps without a sync error
-- severity: medium
-- sums: payment balance after; subscription balance after; 0 (its gap stands under out_of_sync)
-- question: After which transactions do the two balances differ although no sync error was logged?
-- why: Whoever watches the sync errors alone does not see these gaps.
-- do: Look at the subscriber under out_of_sync; have the service log the error.
-- advice: Engineering: have the service log a sync error wherever the two balances differ.
-- explain: After transaction {transaction_id} of {subscriber_id} the subscription balance is {logged} and the payment balance {expected}, a gap of {difference}, and no sync error was logged.
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    t.payment_after AS expected,
    t.subscription_after AS logged,
    t.gap AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    t.outcome,
    t.action
FROM transactions AS t
WHERE t.gap <> 0 AND NOT t.has_sync_error
