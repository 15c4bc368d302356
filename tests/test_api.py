"""The functions behind the verbs, where they are more than a call of something else."""

import subprocess
import sys

import pytest

import chainrule
from chainrule import api, recipes
from chainrule.errors import DataError, ModelFolderError, OptionError, UnknownNameError
from chainrule.recipes.settings import setting_fields


def test_a_run_and_its_model_folder_are_the_same_to_load(trained):
    texts = ["很好", "退货，很差"]
    run = trained("sentiment")
    answers = api.load(run).predict(texts)
    assert api.load(str(run / "model")).predict(texts) == answers
    assert api.predict(run, texts) == api.predict(run / "model", iter(texts)) == answers


def test_inputs_come_from_one_place(trained, tmp_path):
    run = trained("sentiment")
    (tmp_path / "texts.txt").write_text("很好\n退货，很差\n", encoding="utf-8")
    assert api.predict(run, data=tmp_path / "texts.txt") == api.predict(run, ["很好", "退货，很差"])
    with pytest.raises(OptionError) as caught:
        api.predict(run, ["很好"], data=tmp_path / "texts.txt")
    assert str(caught.value) == ("inputs and --data were both given; give the inputs themselves or their file.")
    with pytest.raises(DataError, match="there is nothing at nothing.txt; give the path of your data."):
        api.predict(run, data="nothing.txt")


def test_an_unfinished_run_has_no_model(trained, tmp_path):
    (tmp_path / "run.json").write_bytes((trained("sentiment") / "run.json").read_bytes())
    with pytest.raises(ModelFolderError, match="give the `model` folder of a finished run."):
        api.load(tmp_path)


def test_every_recipe_is_what_the_table_says():
    shown = {entry["recipe"]: entry for entry in api.recipes()}
    for name, entry in recipes.BUILT_IN.items():
        kind = recipes.find(name)
        assert (kind.name, kind.summary, kind.dataset) == (name, entry.summary, entry.data)
        assert shown[name] == {"recipe": name, "summary": entry.summary, "data": entry.data}
        assert kind().name == name
        for band in kind.expected:
            options = set(setting_fields(kind)) | set(setting_fields(chainrule.api.RunOptions)) | {"dataset"}
            assert band.setting.keys() <= options
    assert list(shown) == sorted(shown)


def test_choosing_a_recipe_imports_that_one_alone():
    code = (
        "import sys; from chainrule import recipes; recipes.find('mlp-regression');"
        "print(*sorted(m for m in sys.modules if m.startswith('chainrule.recipes.')), 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "chainrule.recipes.mlp_regression" in found
    others = {entry.location.partition(":")[0] for name, entry in recipes.BUILT_IN.items() if name != "mlp-regression"}
    assert not others & set(found)
    assert found[-1] == "False"


def test_an_unknown_recipe_is_told_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        recipes.find("sentimet")
    assert str(caught.value) == "there is no recipe named 'sentimet'; did you mean 'sentiment'?"
