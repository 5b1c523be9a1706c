-- id: wallet_mismatch
-- title: Wallets of somebody else
-- severity: high
-- sums: none; none; size of the change if it was applied, else 0
-- question: Which transactions name a wallet that is not the subscriber's?
-- why: Somebody's money moved on somebody else's balance.
-- do: Find out whose transaction it is; reverse it here and post it there.
-- advice: Accounting: find out whose transactions these are; reverse them here and post them there.
-- explain: Transaction {transaction_id} of {subscriber_id} names the wallet {wallet_id}, which is not the subscriber's ([{action}, ]{outcome}).
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    CAST(NULL AS DECIMAL(18, 6)) AS expected,
    CAST(NULL AS DECIMAL(18, 6)) AS logged,
    CAST(NULL AS DECIMAL(18, 6)) AS difference,
    CASE WHEN t.outcome = 'applied' THEN coalesce(abs(t.delta), 0) ELSE 0 END AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    t.wallet_id,
    t.outcome,
    t.action
FROM transactions AS t
WHERE
    t.wallet_id <> concat('wallet#', t.subscriber_id)
    AND t.wallet_id <> t.subscriber_id
