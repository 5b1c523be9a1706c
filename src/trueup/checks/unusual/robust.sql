-- Median and median absolute deviation of the subscriber's changes by the same action and type.
-- Most histories are constant, and have no spread at all: then, and wherever it is smaller, the
-- spread is 0.45 of the usual change, or the floor in money. A subscriber with fewer than five such
-- changes is held against all changes by the action in the currency, with twice the spread, if
-- there are twenty of them. Chosen on seeds of their own: docs/accuracy.md.
WITH changes AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        t.type,
        t.action,
        CAST(t.delta AS DOUBLE) AS change,
        CAST(c.unusual_floor AS DOUBLE) AS floor
    FROM transactions AS t
    INNER JOIN currencies AS c ON c.currency = t.currency
    WHERE t.subscriber_id IS NOT NULL AND t.delta IS NOT NULL
),
centred AS (
    SELECT
        h.*,
        count(*) OVER own AS own_count,
        median(h.change) OVER own AS own_usual,
        count(*) OVER everybody AS all_count,
        median(h.change) OVER everybody AS all_usual
    FROM changes AS h
    WINDOW
        own AS (PARTITION BY h.subscriber_id, h.currency, h.type, h.action),
        everybody AS (PARTITION BY h.currency, h.type, h.action)
),
spread AS (
    SELECT
        d.*,
        median(abs(d.change - d.own_usual)) OVER own AS own_deviation,
        median(abs(d.change - d.all_usual)) OVER everybody AS all_deviation
    FROM centred AS d
    WINDOW
        own AS (PARTITION BY d.subscriber_id, d.currency, d.type, d.action),
        everybody AS (PARTITION BY d.currency, d.type, d.action)
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
                2e0 * greatest(1.4826e0 * s.all_deviation, 0.45e0 * abs(s.all_usual), s.floor)
        END AS spread,
        CASE
            WHEN s.own_count >= 5 THEN 'That is what the subscriber''s own changes of this kind tell.'
            ELSE 'That is what everybody''s changes of this kind tell: the subscriber has too few.'
        END AS basis
    FROM spread AS s
    WHERE s.own_count >= 5 OR s.all_count >= 20
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
