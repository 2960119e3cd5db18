"""A small byte-level BPE tokenizer with the special tokens of the prompt, trained on a few lines."""

from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from applier.merge.prompt import PromptCodec

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<filename>",
    "<file_sep>",
    "<issue_start>",
    "<issue_comment>",
    "<empty_output>",
]
CORPUS = [
    "def add(a, b):\n    return a + b\n",
    "class Thing:\n    def __init__(self):\n        self.value = 0\n",
    "import os\nfrom sys import path\n",
    "    if self.value is None:\n        raise ValueError('no value')\n",
    "// ... existing code ...\n# rest of the file unchanged\n",
]


@cache
def tokenizer_json(vocab_size: int = 400) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer.to_str()


@cache
def codec() -> PromptCodec:
    return PromptCodec(tokenizer_json())
