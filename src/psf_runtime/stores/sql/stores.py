"""All stores of one database."""

from __future__ import annotations

from collections.abc import Callable, Collection

from psf_runtime.ports import KeyProvider
from psf_runtime.stores.sql.chain import SqlChain
from psf_runtime.stores.sql.database import Database
from psf_runtime.stores.sql.epochs import Epochs
from psf_runtime.stores.sql.foundation import Foundation
from psf_runtime.stores.sql.secrets import SqlSecrets
from psf_runtime.stores.sql.vault import SqlVault


class SqlStores:
    """The stores that share one database and its keys.

    Attributes:
        vault: which token stands for which value.
        chain, secrets: append-only streams, and small values that can be destroyed.
        epochs: rotation of the keys.
    """

    def __init__(
        self, address: str, keys: KeyProvider, *, clock: Callable[[], float], lasting: Collection[str] = ()
    ) -> None:
        self._database = Database(address)
        foundation = Foundation(self._database, keys, clock=clock)
        self.vault = SqlVault(foundation, lasting=lasting)
        self.chain = SqlChain(foundation)
        self.secrets = SqlSecrets(foundation)
        self.epochs = Epochs(foundation)

    def __repr__(self) -> str:
        return f"SqlStores({self._database.dialect})"

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._database.close()
