"""Named queries: questions that people ask of the tables, for `seven-ingest query --example` and the console."""

from operations.queries.column_titles import COLUMN_TITLES
from operations.queries.links import LINKS
from operations.queries.messages import MESSAGES
from operations.queries.named_query import NamedQuery, run
from operations.queries.parameters import Parameter, ParameterError
from operations.queries.people import PEOPLE
from operations.queries.sent import SENT
from operations.queries.webhooks import WEBHOOKS
from store.read_only import Answer

QUERIES = {query.name: query for query in (*MESSAGES, *SENT, *LINKS, *PEOPLE, *WEBHOOKS)}
"""Every named query by its name, in the order in which lists show them."""

__all__ = ["COLUMN_TITLES", "QUERIES", "Answer", "NamedQuery", "Parameter", "ParameterError", "run"]
