"""Record lists: messages, calls, links, deliveries and the rest as pages of rows, the latest first, with filters."""

from operations.record_lists.definitions import LISTS
from operations.record_lists.record_list import ListColumn, ListFilters, RecordList, read_rows

__all__ = ["LISTS", "ListColumn", "ListFilters", "RecordList", "read_rows"]
