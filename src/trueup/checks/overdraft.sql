-- id: overdraft
-- title: Overdrafts of the subscription balance
-- severity: posted high, refused low
-- question: Which transactions took, or would have taken, a subscription balance below zero?
-- why: A balance below zero is money that the company has delivered for and not been paid. A refused one was stopped in time, but the wallet may have paid it out all the same.
-- do: Posted: collect the amount or correct the posting. Refused: look at the gap of the same subscriber under out_of_sync.
-- explain posted: Transaction {transaction_id} took the subscription balance of {subscriber_id} to {logged}; it should not be below zero.
-- explain refused: Transaction {transaction_id} would have taken the subscription balance of {subscriber_id} to {logged}; it was not carried out ({outcome}).
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CASE
        WHEN t.outcome = 'applied' THEN 'posted'
        WHEN t.outcome = 'already_synced' AND t.subscription_after = t.new_balance THEN 'posted'
        ELSE 'refused'
    END AS cause,
    CAST(0 AS DECIMAL(18, 6)) AS expected,
    t.new_balance AS logged,
    t.new_balance AS difference,
    CASE
        WHEN t.outcome = 'applied' THEN -t.new_balance
        WHEN t.outcome = 'already_synced' AND t.subscription_after = t.new_balance
            THEN -t.new_balance
        ELSE 0
    END AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    t.outcome,
    t.action
FROM transactions AS t
WHERE t.new_balance < 0
