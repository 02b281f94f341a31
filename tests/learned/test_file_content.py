"""The content of files: that of the package safetensors, without copies of the arrays."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from palate.learned._file_content import array_content, has_content, write_content

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.arange(3, dtype=np.float32),
    "starts": np.arange(4),
    "none": np.zeros((0, 5), dtype=np.float64),
    "ids": np.arange(5, dtype=np.int32),
    "flags": np.array([True, False, True]),
    "one": np.array(2.5),
    "columns": np.arange(6, dtype=np.float32).reshape(2, 3).T,
}


def test_the_bytes_are_those_of_the_package(tmp_path):
    content = array_content(ARRAYS)
    data = b"".join(bytes(piece) for piece in content)
    assert data == save({name: np.asarray(array, order="C") for name, array in ARRAYS.items()})
    write_content(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == data
    for name, array in load(data).items():
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_arrays_are_not_copied_and_other_types_refused():
    content = array_content(ARRAYS)
    assert any(np.shares_memory(piece, ARRAYS["b"]) for piece in content[2:])
    with pytest.raises(ValueError, match="complex"):
        array_content({"x": np.zeros(2, dtype=complex)})


def test_a_file_with_another_content_is_told_apart(tmp_path):
    path, content = tmp_path / "file", array_content(ARRAYS)
    assert not has_content(path, content)
    write_content(path, content)
    assert has_content(path, content)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"x")
    assert not has_content(path, content)
