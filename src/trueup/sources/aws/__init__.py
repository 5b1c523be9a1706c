"""Log events in the shapes that AWS's own tools write: told apart, and read as events.

`aws logs filter-log-events`, `get-log-events`, `get-query-results` and `tail`; Logs Insights' CSV
and JSON; subscriptions' objects, as Firehose and Kinesis pass them on; Lambda's JSON lines alone.
Nothing here knows a file: bytes come from an open stream.
"""

from trueup.sources.aws.events import Event, export_text
from trueup.sources.aws.reading import read_events
from trueup.sources.aws.shapes import Shape, shape_of

__all__ = ["Event", "Shape", "export_text", "read_events", "shape_of"]
