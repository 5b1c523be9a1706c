-- id: out_of_sync
-- title: Subscribers whose two balances differ
-- severity: high
-- lasts: yes
-- sums: payment balance after; subscription balance after; size of the gap
-- question: For whom do the two balances differ at the end, by how much, since when and through which transaction?
-- why: One of the two balances is wrong: the subscriber can spend money that is not there, or cannot spend money that is.
-- do: Settle which balance is right, starting with the transaction that opened the gap, and correct the other.
-- explain: The subscription balance of {subscriber_id} is {logged} and the payment balance {expected}: a gap of {difference}, open since transaction {transaction_id} of {at} (moves since: {changes}; last seen {last_at}).
WITH known AS (
    SELECT
        t.*,
        coalesce(lag(t.gap) OVER w, 0) AS gap_before,
        row_number() OVER (
            PARTITION BY t.subscriber_id, t.currency ORDER BY t.position DESC
        ) AS place_from_end
    FROM transactions AS t
    WHERE t.gap IS NOT NULL AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    WINDOW w AS (PARTITION BY t.subscriber_id, t.currency ORDER BY t.position)
),
moves AS (
    SELECT
        k.*,
        max(CASE WHEN k.gap_before = 0 AND k.gap <> 0 THEN k.position END) OVER (
            PARTITION BY k.subscriber_id, k.currency
        ) AS opened_position
    FROM known AS k
),
ends AS (
    SELECT m.*
    FROM moves AS m
    WHERE m.place_from_end = 1 AND m.gap <> 0
),
changes AS (
    SELECT
        m.subscriber_id,
        m.currency,
        sum(
            CASE
                WHEN m.position > m.opened_position AND abs(m.gap - m.gap_before) > m.minor_unit
                    THEN 1
                ELSE 0
            END
        ) AS changes
    FROM moves AS m
    GROUP BY m.subscriber_id, m.currency
)
SELECT
    concat(e.subscriber_id, '/', e.currency) AS subject,
    e.subscriber_id,
    e.currency,
    o.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    e.payment_after AS expected,
    e.subscription_after AS logged,
    e.gap AS difference,
    abs(e.gap) AS amount_at_risk,
    o.transaction_id,
    o.attempt_id,
    o.request_id,
    o.file_id,
    o.first_line,
    o.last_line,
    CAST(NULL AS TIMESTAMP) AS lasts_until,
    o.action,
    o.gap AS gap_when_opened,
    CAST(c.changes AS BIGINT) AS changes,
    e.at AS last_at,
    e.transaction_id AS last_transaction_id
FROM ends AS e
INNER JOIN moves AS o
    ON
        o.subscriber_id = e.subscriber_id
        AND o.currency = e.currency
        AND o.position = e.opened_position
INNER JOIN changes AS c
    ON c.subscriber_id = e.subscriber_id AND c.currency = e.currency
