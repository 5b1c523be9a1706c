-- One row per subscriber and currency: the moves that made up the latest gap, in order. They add
-- up to the gap. (Lists are DuckDB's own: no check asks for them, only the reports.)
CREATE OR REPLACE VIEW gap_histories AS
SELECT
    g.subscriber_id,
    g.currency,
    list(
        {
            'at': g.at, 'cause': g.cause, 'move': g.move, 'gap': g.gap,
            'transaction_id': g.transaction_id, 'outcome': g.outcome, 'action': g.action,
            'evidence': {
                'file': f.name, 'first_line': g.first_line, 'last_line': g.last_line
            }
        } ORDER BY g.position
    ) AS history
FROM (
    SELECT *, max(episode) OVER (PARTITION BY subscriber_id, currency) AS latest FROM gap_moves
) AS g
LEFT JOIN files AS f ON f.file_id = g.file_id
WHERE g.episode = g.latest
GROUP BY g.subscriber_id, g.currency
