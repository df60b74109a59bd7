"""The index on disk: one SQLite file a workspace, in the user's cache; the only user of sqlite3.

Rows are keyed by content hash (a *blob*), so that switching branches parses nothing already seen.
Full text is an inverted index of our own, because ranking needs BM25 with its own parameters over
files and over functions alike: each blob has a *document* for the whole file (ordinal -1) and one
for each function, and a *segment* holds, for one term and one batch of blobs, the document numbers
and term frequencies as two packed arrays. Documents of blobs that no path points to any more stay,
for the next switch back, and are left out when a reader loads what is alive. What was typed into an
open buffer has its postings apart (`buffers`) and goes with the next edit: typing must not grow the
index. A buffer belongs to the process that has it open (its `owner`; 0 is the file): other
processes with the same index see the file.

It is a cache: unreadable or made by another version means set aside and built anew. One writer;
any number of readers, each on a thread of its own. Terms: Robertson & Zaragoza 2009 for BM25.
"""

from context.store.database import SCHEMA_VERSION, sqlite_version
from context.store.reader import Reader, index_size
from context.store.rows import (
    Chunk,
    FileRow,
    FileStamp,
    IndexedFile,
    PathKey,
    ScoredFunction,
    SymbolAt,
    index_folder,
    path_keys,
)
from context.store.writer import Store

__all__ = [
    "SCHEMA_VERSION",
    "Chunk",
    "FileRow",
    "FileStamp",
    "IndexedFile",
    "PathKey",
    "Reader",
    "ScoredFunction",
    "Store",
    "SymbolAt",
    "index_folder",
    "index_size",
    "path_keys",
    "sqlite_version",
]
