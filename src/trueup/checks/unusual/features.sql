-- What the learned methods see of each change: `times_usual`, by how many times the subscriber's
-- usual size it is larger; `deviation`, how many spreads it lies from the subscriber's usual change
-- (what is usual, a spread and too few changes: see robust.sql); `deviation_from_all`, how many from
-- everybody's. All are 0 for a usual change, and mix no currencies. Chosen by measurement, faults of
-- 5 to 20 times the usual change put in, on seeds of their own: the size against everybody's, against
-- all of the subscriber's or against the balance, the hours since the transaction before, the sign,
-- and how rare the action is for the subscriber brought nothing or cost precision.
WITH changes AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        t.position,
        coalesce(t.type, '') AS type,
        coalesce(t.action, '') AS action,
        t.delta,
        CAST(t.delta AS DOUBLE) AS change,
        CAST(t.minor_unit AS DOUBLE) AS unit
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
        median(h.delta) AS own_usual,
        median(abs(h.change)) AS own_size
    FROM changes AS h
    GROUP BY h.subscriber_id, h.currency, h.type, h.action
),
everybody AS (
    SELECT
        h.currency,
        h.type,
        h.action,
        median(h.delta) AS all_usual
    FROM changes AS h
    GROUP BY h.currency, h.type, h.action
),
apart AS (
    SELECT
        h.*,
        o.own_count,
        o.own_usual,
        o.own_size,
        e.all_usual,
        abs(h.change - CAST(o.own_usual AS DOUBLE)) AS own_distance,
        abs(h.change - CAST(e.all_usual AS DOUBLE)) AS all_distance
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
        a.subscriber_id,
        a.currency,
        a.type,
        a.action,
        median(a.own_distance) AS own_deviation
    FROM apart AS a
    GROUP BY a.subscriber_id, a.currency, a.type, a.action
),
all_spread AS (
    SELECT
        a.currency,
        a.type,
        a.action,
        median(a.all_distance) AS all_deviation
    FROM apart AS a
    GROUP BY a.currency, a.type, a.action
),
spread AS (
    SELECT
        a.*,
        greatest(
            1.4826e0 * o.own_deviation,
            0.45e0 * abs(CAST(a.own_usual AS DOUBLE)),
            CAST(c.unusual_floor AS DOUBLE),
            a.unit
        ) AS own_spread,
        greatest(
            1.4826e0 * e.all_deviation,
            0.45e0 * abs(CAST(a.all_usual AS DOUBLE)),
            CAST(c.unusual_floor AS DOUBLE),
            a.unit
        ) AS all_spread
    FROM apart AS a
    INNER JOIN currencies AS c ON c.currency = a.currency
    INNER JOIN own_spread AS o
        ON
            o.subscriber_id = a.subscriber_id
            AND o.currency = a.currency
            AND o.type = a.type
            AND o.action = a.action
    INNER JOIN all_spread AS e
        ON e.currency = a.currency AND e.type = a.type AND e.action = a.action
)
SELECT
    row_number() OVER (ORDER BY s.subscriber_id, s.currency, s.position) - 1 AS place,
    s.attempt_id,
    s.own_count >= 5 AS has_own,
    CASE WHEN s.own_count >= 5 THEN s.own_usual ELSE s.all_usual END AS usual,
    CASE
        WHEN s.own_count >= 5
            THEN greatest((abs(s.change) - s.own_size) / (s.own_size + s.unit), 0e0)
        ELSE 0e0
    END AS times_usual,
    CASE
        WHEN s.own_count >= 5 THEN s.own_distance / s.own_spread
        ELSE s.all_distance / (2e0 * s.all_spread)
    END AS deviation,
    s.all_distance / s.all_spread AS deviation_from_all
FROM spread AS s
