-- id: unexpected_sign
-- title: Signs that do not fit
-- severity: credit_lowers high, debit_raises high, negative_amount low, zero_amount info
-- sums: credit_lowers, debit_raises: change that type, amount and VAT say, else none; change of the balance, or the amount; size of the difference, or 0
-- question: Which credits lower a balance, which debits raise one, and which amounts are negative or zero?
-- why: A posting with the wrong sign moves twice its amount away from what is right. A negative amount is a reversal in disguise: legal in the log, but no list of refunds shows it.
-- do: Lowering credits and raising debits: find out what was meant, and correct the balance. Negative amounts: see that they are meant as reversals.
-- advice credit_lowers: Accounting: find out what these credits were meant to be, and correct the balances.
-- advice debit_raises: Accounting: find out what these debits were meant to be, and correct the balances.
-- explain credit_lowers: Transaction {transaction_id} of {subscriber_id} is a CREDIT of {amount}, yet it changes the balance by {logged}; expected {expected}.
-- explain debit_raises: Transaction {transaction_id} of {subscriber_id} is a DEBIT of {amount}, yet it changes the balance by {logged}; expected {expected}.
-- explain negative_amount: Transaction {transaction_id} of {subscriber_id} has the negative amount {logged} ({known_type}[ {action}]).
-- explain zero_amount: Transaction {transaction_id} of {subscriber_id} has the amount zero ({known_type}[ {action}]).
WITH judged AS (
    SELECT
        t.*,
        CASE
            WHEN
                t.type = 'CREDIT' AND NOT t.type_inferred
                AND t.amount >= 0 AND t.delta < -t.minor_unit
                THEN 'credit_lowers'
            WHEN
                t.type = 'DEBIT' AND NOT t.type_inferred
                AND t.amount >= 0 AND t.delta > t.minor_unit
                THEN 'debit_raises'
            WHEN t.amount < 0 THEN 'negative_amount'
            WHEN t.amount = 0 THEN 'zero_amount'
        END AS cause
    FROM transactions AS t
)
SELECT
    j.attempt_id AS subject,
    j.subscriber_id,
    j.currency,
    j.at,
    j.cause,
    CASE WHEN j.cause IN ('credit_lowers', 'debit_raises') THEN j.expected_delta END AS expected,
    CASE WHEN j.cause IN ('credit_lowers', 'debit_raises') THEN j.delta ELSE j.amount END
        AS logged,
    CASE
        WHEN j.cause IN ('credit_lowers', 'debit_raises') THEN j.delta - j.expected_delta
    END AS difference,
    CASE
        WHEN j.cause IN ('credit_lowers', 'debit_raises') THEN abs(j.delta - j.expected_delta)
        ELSE 0
    END AS amount_at_risk,
    j.transaction_id,
    j.attempt_id,
    j.request_id,
    j.file_id,
    j.first_line,
    j.last_line,
    j.type AS known_type,
    j.amount,
    j.outcome,
    j.action
FROM judged AS j
WHERE j.cause IS NOT NULL
