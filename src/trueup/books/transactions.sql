-- The transactions with the sums that all checks share. Definitions: docs/architecture.md.
-- `at` is a keyword to DuckDB where no table's name stands before it.
-- Rows without subscriber or currency stay in the table and have no neighbours.
CREATE TABLE transactions AS
WITH typed AS (
    SELECT
        t.*,
        CASE
            WHEN t.type IS NOT NULL THEN t.type
            WHEN t.new_balance > t.old_balance THEN 'CREDIT'
            WHEN t.new_balance < t.old_balance THEN 'DEBIT'
        END AS known_type,
        t.new_balance - t.old_balance AS delta,
        coalesce(c.minor_unit, CAST(0.01 AS DECIMAL(18, 6))) AS minor_unit,
        t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL AS has_neighbours
    FROM logged_transactions AS t
    LEFT JOIN currencies AS c ON c.currency = t.currency
),
ordered AS (
    SELECT
        typed.*,
        row_number() OVER (PARTITION BY subscriber_id ORDER BY typed.at, stream, place) AS position,
        CASE WHEN has_neighbours THEN lead(old_balance) OVER neighbours END AS next_old_balance,
        CASE WHEN has_neighbours THEN lead(attempt_id) OVER neighbours END AS next_attempt_id
    FROM typed
    WINDOW neighbours AS (
        PARTITION BY subscriber_id, currency ORDER BY typed.at, stream, place
    )
),
settled AS (
    SELECT
        ordered.*,
        CASE known_type WHEN 'CREDIT' THEN amount - vat WHEN 'DEBIT' THEN vat - amount END
            AS expected_delta,
        CASE
            WHEN outcome = 'applied' THEN new_balance
            WHEN error_subscription_balance IS NOT NULL THEN error_subscription_balance
            WHEN outcome = 'already_synced' THEN
                -- Another listener did or did not apply it: the next transaction tells.
                CASE
                    WHEN abs(next_old_balance - new_balance) <= minor_unit THEN new_balance
                    WHEN abs(next_old_balance - old_balance) <= minor_unit THEN old_balance
                END
            WHEN outcome IN ('blocked', 'failed', 'skipped') THEN old_balance
        END AS subscription_after,
        coalesce(payment_balance, error_payment_balance) AS payment_after
    FROM ordered
)
SELECT
    attempt_id, transaction_id, message_id, request_id, stream, place, settled.at,
    position, subscriber_id, currency, known_type AS type, type IS NULL AS type_inferred,
    source, action, amount, vat, old_balance, new_balance, payment_balance, updates_payment,
    wallet_id, wallet_entry, delivery_id, metadata, outcome, error_subscription_balance,
    error_payment_balance, has_sync_error, file_id, first_line, last_line,
    delta, expected_delta, next_old_balance, next_attempt_id, subscription_after, payment_after,
    CASE
        WHEN abs(subscription_after - payment_after) <= minor_unit THEN 0
        ELSE subscription_after - payment_after
    END AS gap,
    minor_unit
FROM settled
