"""A workspace's events from one store to another, or to a folder of Parquet and back.

Between stores, segments move: each keeps its name, its rows in quarantine and its place in the ledger, is loaded at the
target once ever (so that a move that broke off goes on where it was), and what a collector's archive holds is known
there too. Afterwards counts and checksums of every day, and what is derived from them, are compared.
"""

from assay.moving.parquet import Brought, Exported, bring, export
from assay.moving.settling import alike, settle, settled
from assay.moving.stores import Moved, move
from assay.moving.sums import Sums, sums

__all__ = ["Brought", "Exported", "Moved", "Sums", "alike", "bring", "export", "move", "settle", "settled", "sums"]
