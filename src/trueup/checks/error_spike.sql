-- id: error_spike
-- title: Days with unusually many errors
-- severity: sync_errors medium, failures medium
-- lasts: yes
-- sums: none; none; 0
-- question: On which days did sync errors or failed messages exceed the usual?
-- why: One bad deployment or one wrong listener shows as a day on which errors jump, long before each subscriber's case is looked at.
-- do: Compare the day with the deployments and with the wallet's incidents of that day.
-- advice sync_errors: Engineering: look at what was deployed before these days, on which sync errors jumped.
-- advice failures: Engineering: look at what was deployed before these days, on which failed messages jumped.
-- explain sync_errors: On this day {errors} sync errors were logged; usual are {usual}, and more than {threshold} is unusual.
-- explain failures: On this day {errors} messages failed; usual are {usual}, and more than {threshold} is unusual.
WITH events AS (
    SELECT
        CAST(e.at AS DATE) AS day,
        'sync_errors' AS cause,
        1 AS errors,
        e.at,
        e.request_id,
        e.file_id,
        e.line AS first_line,
        e.line AS last_line
    FROM sync_errors AS e
    UNION ALL
    SELECT
        CAST(m.at AS DATE) AS day,
        'failures' AS cause,
        CASE WHEN m.outcome = 'failed' THEN 1 ELSE 0 END AS errors,
        m.at,
        m.request_id,
        m.file_id,
        m.first_line,
        m.last_line
    FROM messages AS m
),
days AS (
    SELECT DISTINCT e.day
    FROM events AS e
),
counted AS (
    SELECT
        d.day,
        c.cause,
        CAST(coalesce(sum(e.errors), 0) AS BIGINT) AS errors
    FROM days AS d
    CROSS JOIN (
        SELECT 'sync_errors' AS cause
        UNION ALL
        SELECT 'failures' AS cause
    ) AS c
    LEFT JOIN events AS e ON e.day = d.day AND e.cause = c.cause
    GROUP BY d.day, c.cause
),
centred AS (
    SELECT
        c.*,
        count(*) OVER (PARTITION BY c.cause) AS days,
        median(CAST(c.errors AS DOUBLE)) OVER (PARTITION BY c.cause) AS middle,
        avg(CAST(c.errors AS DOUBLE)) OVER (PARTITION BY c.cause) AS mean,
        stddev_samp(CAST(c.errors AS DOUBLE)) OVER (PARTITION BY c.cause) AS deviation
    FROM counted AS c
),
spread AS (
    SELECT
        c.*,
        median(abs(CAST(c.errors AS DOUBLE) - c.middle)) OVER (PARTITION BY c.cause)
            AS middle_deviation
    FROM centred AS c
),
judged AS (
    SELECT
        s.*,
        m.spike_minimum,
        CASE WHEN m.spike_method = 'sigma' THEN s.mean ELSE s.middle END AS usual,
        CASE
            WHEN m.spike_method = 'sigma' THEN s.mean + m.spike_deviations * s.deviation
            ELSE
                s.middle
                + m.spike_deviations * greatest(1.4826e0 * s.middle_deviation, sqrt(s.middle), 1e0)
        END AS threshold
    FROM spread AS s
    CROSS JOIN limits AS m
    WHERE s.days >= 7
),
spikes AS (
    SELECT j.*
    FROM judged AS j
    WHERE CAST(j.errors AS DOUBLE) > j.threshold AND j.errors >= j.spike_minimum
),
firsts AS (
    SELECT
        e.*,
        row_number() OVER (
            PARTITION BY e.day, e.cause ORDER BY e.at, e.file_id, e.first_line
        ) AS number
    FROM events AS e
    INNER JOIN spikes AS s ON s.day = e.day AND s.cause = e.cause
    WHERE e.errors = 1
)
SELECT
    concat(s.cause, '/', CAST(s.day AS VARCHAR(10))) AS subject,
    CAST(NULL AS VARCHAR(20)) AS subscriber_id,
    CAST(NULL AS VARCHAR(20)) AS currency,
    CAST(s.day AS TIMESTAMP) AS at,
    s.cause,
    CAST(NULL AS DECIMAL(18, 6)) AS expected,
    CAST(NULL AS DECIMAL(18, 6)) AS logged,
    CAST(NULL AS DECIMAL(18, 6)) AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    CAST(NULL AS VARCHAR(20)) AS transaction_id,
    CAST(NULL AS VARCHAR(20)) AS attempt_id,
    f.request_id,
    f.file_id,
    f.first_line,
    f.last_line,
    CAST(s.day AS TIMESTAMP) + INTERVAL '1' DAY - INTERVAL '1' SECOND AS lasts_until,
    s.errors,
    round(s.usual, 1) AS usual,
    round(s.threshold, 1) AS threshold
FROM spikes AS s
INNER JOIN firsts AS f ON f.day = s.day AND f.cause = s.cause AND f.number = 1
