import pytest


@pytest.fixture(scope="package")
def stock_model(tmp_path_factory):
    """A random Llama of two small layers with the tiny tokenizer, saved as transformers saves it."""
    transformers = pytest.importorskip("transformers")
    import torch

    from tests.applier.tiny import tokenizer_json

    folder = tmp_path_factory.mktemp("stock")
    (folder / "raw.json").write_text(tokenizer_json())
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "raw.json"), eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=tokenizer.eos_token_id,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder
