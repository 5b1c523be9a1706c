-- Median and median absolute deviation of the subscriber's changes by the same action and type.
-- Most histories are constant, and have no spread at all: then, and wherever it is smaller, the
-- spread is 0.45 of the usual change, or the floor in money. A subscriber with fewer than five such
-- changes is held against all changes by the action in the currency, with three times the spread,
-- if the log names the action and there are twenty of them. Chosen on seeds of their own:
-- docs/accuracy.md.
WITH changes AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        coalesce(t.type, '') AS type,
        coalesce(t.action, '') AS action,
        CAST(t.delta AS DOUBLE) AS change
    FROM transactions AS t
    WHERE t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL AND t.delta IS NOT NULL
),
own AS (
    SELECT
        h.subscriber_id,
        h.currency,
        h.type,
        h.action,
        count(*) AS own_count,
        median(h.change) AS own_usual
    FROM changes AS h
    GROUP BY h.subscriber_id, h.currency, h.type, h.action
),
everybody AS (
    SELECT
        h.currency,
        h.type,
        h.action,
        count(*) AS all_count,
        median(h.change) AS all_usual
    FROM changes AS h
    GROUP BY h.currency, h.type, h.action
),
centred AS (
    SELECT
        h.*,
        o.own_count,
        o.own_usual,
        e.all_count,
        e.all_usual
    FROM changes AS h
    INNER JOIN own AS o
        ON
            o.subscriber_id = h.subscriber_id
            AND o.currency = h.currency
            AND o.type = h.type
            AND o.action = h.action
    INNER JOIN everybody AS e
        ON e.currency = h.currency AND e.type = h.type AND e.action = h.action
),
own_spread AS (
    SELECT
        d.subscriber_id,
        d.currency,
        d.type,
        d.action,
        median(abs(d.change - d.own_usual)) AS own_deviation
    FROM centred AS d
    WHERE d.own_count >= 5
    GROUP BY d.subscriber_id, d.currency, d.type, d.action
),
all_spread AS (
    SELECT
        d.currency,
        d.type,
        d.action,
        median(abs(d.change - d.all_usual)) AS all_deviation
    FROM centred AS d
    GROUP BY d.currency, d.type, d.action
),
spread AS (
    SELECT
        d.*,
        o.own_deviation,
        e.all_deviation,
        CAST(c.unusual_floor AS DOUBLE) AS floor
    FROM centred AS d
    INNER JOIN currencies AS c ON c.currency = d.currency
    LEFT JOIN own_spread AS o
        ON
            o.subscriber_id = d.subscriber_id
            AND o.currency = d.currency
            AND o.type = d.type
            AND o.action = d.action
    LEFT JOIN all_spread AS e
        ON e.currency = d.currency AND e.type = d.type AND e.action = d.action
),
held AS (
    SELECT
        s.attempt_id,
        s.change,
        CASE WHEN s.own_count >= 5 THEN s.own_usual ELSE s.all_usual END AS usual,
        CASE
            WHEN s.own_count >= 5
                THEN
                    greatest(1.4826e0 * s.own_deviation, 0.45e0 * abs(s.own_usual), s.floor)
            ELSE
                3e0 * greatest(1.4826e0 * s.all_deviation, 0.45e0 * abs(s.all_usual), s.floor)
        END AS spread,
        CASE
            WHEN s.own_count >= 5 THEN 'That is what the subscriber''s own changes of this kind tell.'
            ELSE 'That is what everybody''s changes of this kind tell: the subscriber has too few.'
        END AS basis
    FROM spread AS s
    WHERE s.own_count >= 5 OR (s.all_count >= 20 AND s.action <> '')
)
SELECT
    h.attempt_id,
    h.usual,
    m.unusual_deviations * h.spread AS allowed,
    abs(h.change - h.usual) / (m.unusual_deviations * h.spread) AS score,
    h.basis
FROM held AS h
CROSS JOIN limits AS m
WHERE abs(h.change - h.usual) > m.unusual_deviations * h.spread
