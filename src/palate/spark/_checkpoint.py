"""The state of a fit in files: to go on from, and to compute lost blocks from."""

import json
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import SparkSession

from palate._log import log
from palate.errors import SettingError
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._state import restore, state_of
from palate.spark._failures import SPARK_ERRORS, reason
from palate.spark._packing import Arrays, from_bytes, to_bytes
from palate.spark._people import Layer, SparkPeople
from palate.spark._placing import Placing, arrays_of, in_place

# The state is written after so many sweeps each time.
EVERY = 10


class Note(NamedTuple):
    """A text and arrays of the driver, in a Parquet file of one row.

    Attributes
    ----------
    text
        What JSON can hold.
    arrays
        The arrays.
    """

    text: Any
    arrays: Arrays

    def write(self, spark: SparkSession, path: str) -> None:
        """Write the note in place of one that is there."""
        row = {"text": [json.dumps(self.text)], "arrays": [to_bytes(self.arrays)]}
        spark.createDataFrame(pa.table(row)).coalesce(1).write.parquet(path, mode="overwrite")

    @classmethod
    def read(cls, spark: SparkSession, path: str) -> "Note | None":
        """Return a note; None if there is none, or it was not written to its end."""
        try:
            found = spark.read.parquet(path).select("text", "arrays").first()
        except SPARK_ERRORS:
            return None
        return None if found is None else cls(json.loads(found[0]), from_bytes(found[1]))


class Checkpoint:
    """The latest states of a chain and of its users, in two places in turn.

    What is written is complete before the one before it is replaced. The blocks of users are then
    read from there, so that lost ones do not have to be computed from the first sweep on.

    Parameters
    ----------
    placing
        Where the files of the fit are.
    """

    def __init__(self, placing: Placing) -> None:
        self._spark, self._placing = placing.spark, placing

    def save_if_due(self, chain: Chain, people: SparkPeople) -> None:
        """Write the state after every tenth sweep, and let the users go on from the files."""
        sweeps = len(chain.history)
        if sweeps % EVERY:
            return
        place = sweeps // EVERY % 2
        state, groups = people.state()
        layers = [sorted(group) for group in groups]
        path = self._path("users", place)
        schema = ", ".join(["block int", *(f"{_layer(n)} binary" for n in range(len(layers)))])
        rows = self._spark.createDataFrame(state.map(partial(_row_of, layers)), schema)
        rows.write.parquet(path, mode="overwrite")
        text = {"history": chain.history, "layers": layers}
        Note(text, state_of(chain)).write(self._spark, self._path("chain", place))
        people.restore(self._read(path, layers, people))

    def resume(self, chain: Chain, people: SparkPeople) -> None:
        """Set a new chain to the latest state, if there is any."""
        places = {place: Note.read(self._spark, self._path("chain", place)) for place in (0, 1)}
        notes = [(place, note) for place, note in places.items() if note and note.text["history"]]
        notes.sort(key=lambda found: len(found[1].text["history"]), reverse=True)
        for place, (text, arrays) in notes:
            path = self._path("users", place)
            try:
                layers = self._read(path, text["layers"], people)
                for layer in layers:
                    layer.blocks.count()
            except SPARK_ERRORS as error:
                log.warning("the state in %s can't be read: %s", path, reason(error))
                continue
            chain.history += text["history"]
            restore(chain, arrays)
            people.restore(layers)
            log.info("going on from %s, after %d sweeps", path, len(chain.history))
            return

    def clear(self) -> None:
        """Forget all states, which are those of another chain.

        Raises
        ------
        SettingError
            If nothing can be written to the folder.
        """
        try:
            for place in (0, 1):
                Note({"history": []}, Arrays()).write(self._spark, self._path("chain", place))
        except SPARK_ERRORS as error:
            raise SettingError(
                f"nothing can be written to {self._placing.folder}: {reason(error)}"
            ) from error

    def _path(self, what: str, place: int) -> str:
        return self._placing.path(f"{what}-{place}")

    def _read(self, path: str, layers: list[list[str]], people: SparkPeople) -> list[Layer]:
        table = self._spark.read.parquet(path)
        columns = (arrays_of(table, _layer(number)) for number in range(len(layers)))
        return [
            Layer(in_place(blocks, people.blocks), frozenset(names))
            for blocks, names in zip(columns, layers, strict=True)
        ]


def _row_of(layers: list[list[str]], block: tuple[int, Arrays]) -> tuple[int | bytes, ...]:
    number, arrays = block
    return number, *(to_bytes({name: arrays[name] for name in names}) for names in layers)


def _layer(number: int) -> str:
    """Return the column of a layer."""
    return f"layer_{number}"
