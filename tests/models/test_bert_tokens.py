import json
import warnings

import pytest

from chainrule.errors import DataError, ModelFolderError
from chainrule.models.bert_tokens import SPECIAL, frame_of, read_wordpiece, train_wordpiece, wordpiece
from tests.models.mixed_texts import mixed_texts, without

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers


def assert_same_ids(folder, tokenizer):
    theirs = transformers.BertTokenizer.from_pretrained(folder)
    for text in mixed_texts():
        wanted = theirs(text, add_special_tokens=True)["input_ids"]
        assert tokenizer.encode(text).ids == wanted, text[:80]
        assert tokenizer.encode(text).tokens == theirs.convert_ids_to_tokens(wanted)


@pytest.mark.parametrize("missing", ["vocab.txt", "tokenizer.json"])
def test_ids_are_those_of_transformers_from_either_file(minilm, tmp_path, missing):
    folder = without(minilm, tmp_path / "copy", missing)
    assert_same_ids(folder, read_wordpiece(folder))


@pytest.mark.parametrize(
    "flags",
    [
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False},
    ],
)
def test_the_settings_beside_a_vocabulary_count(minilm, tmp_path, flags):
    folder = without(minilm, tmp_path / "copy", "tokenizer.json", "tokenizer_config.json")
    (folder / "tokenizer_config.json").write_text(json.dumps(flags))
    assert_same_ids(folder, read_wordpiece(folder))


def test_words_are_cut_into_the_longest_pieces_from_the_left():
    tokenizer = wordpiece([*SPECIAL, "un", "##aff", "##able", "好", "!"])
    tokens = tokenizer.encode("Unaffable 好好! unx").tokens
    assert tokens == ["[CLS]", "un", "##aff", "##able", "好", "好", "!", "[UNK]", "[SEP]"]
    assert frame_of(tokenizer) == (1, (2,), (3,))


def test_a_vocabulary_of_own_texts_is_always_the_same_one():
    texts = ["un able unable 好吃 好看", "unable able 好", "够 rare"]
    first, second = (train_wordpiece(texts, vocabulary_size=40) for _ in range(2))
    assert first.to_str() == second.to_str()
    assert first.encode("unable 好够").tokens[1:-1] == ["unable", "好", "[UNK]"]
    assert first.get_vocab_size() <= 40
    with pytest.raises(DataError, match="the training texts hold no character twice"):
        train_wordpiece(["ab"], vocabulary_size=40)


def refused(folder, text):
    with pytest.raises(ModelFolderError) as raised:
        read_wordpiece(folder)
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_no_tokenizer_for_bert_is_refused_in_a_sentence(tmp_path):
    refused(
        tmp_path, "holds neither tokenizer.json nor vocab.txt; copy the tokenizer's files of the checkpoint as well."
    )
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[SEP]\n")
    refused(tmp_path, "vocab.txt is no tokenizer for BERT: the vocabulary lacks [CLS], which BERT's texts need.")
    (tmp_path / "vocab.txt").write_text("\n".join(SPECIAL))
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": "yes"}')
    refused(tmp_path, "not a tokenizer's settings (do_lower_case is 'yes' and must be true or false)")
    (tmp_path / "tokenizer_config.json").write_text("[]")
    refused(tmp_path, "is not a tokenizer's settings")
    (tmp_path / "vocab.txt").write_text("\n" * 2**21)
    refused(tmp_path, "holds 2,097,152 tokens; at most 1,048,576 are read.")
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {}}}')
    refused(tmp_path, "tokenizer.json holds a tokenizer of the kind 'BPE'; BERT's is WordPiece.")
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": 3}}')
    refused(tmp_path, "tokenizer.json cannot be read as a tokenizer")
    for model in ("[1]", '"WordPiece"', "null", '{"type": "WordPiece"}'):
        (tmp_path / "tokenizer.json").write_text(f'{{"model": {model}}}')
        refused(tmp_path, "tokenizer.json holds a tokenizer of the kind None; BERT's is WordPiece.")
    (tmp_path / "tokenizer.json").write_text("{")
    refused(tmp_path, "tokenizer.json is not JSON")


@pytest.mark.parametrize("lacks", ["another name", "a token beside the vocabulary"])
def test_a_tokenizer_that_would_fail_at_an_unknown_word_is_refused(tmp_path, lacks):
    content = json.loads(wordpiece([*SPECIAL, "ok"]).to_str())
    if lacks == "another name":
        content["model"].update(unk_token="[OOV]")  # noqa: S106 - no password
    else:
        del content["model"]["vocab"]["[UNK]"]  # it stays among the added tokens
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    refused(tmp_path, "must be [UNK], a token of its vocabulary.")
