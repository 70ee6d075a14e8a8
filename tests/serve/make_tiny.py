"""Writes a tiny Mistral that vLLM serves on a CPU in seconds: ``python make_tiny.py FOLDER [ANSWER] < TEXTS``.

Its weights are random, or, given ANSWER, such that it answers that to whatever it is asked.
Its tokenizer has Starling's special tokens under Starling's numbers: <s> is 1, <|end_of_turn|> is 32000, and there are
32002 in all. Its merges are learned from the texts on standard input, so that prompts are of a realistic length.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

LEARNED = 2000
END_OF_TURN = 32000


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=LEARNED, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer = Tokenizer.from_str(json.dumps(filled(json.loads(tokenizer.to_str()))))
    tokenizer.add_special_tokens(["<|end_of_turn|>", "<|pad_0|>"])
    # As Mistral's does: whoever lets the tokenizer add <s> to a rendered chat sends it twice.
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    assert tokenizer.token_to_id("<|end_of_turn|>") == END_OF_TURN
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def filled(data: dict) -> dict:
    """The tokenizer with words that no text holds, up to the number of Starling's first special token."""
    vocabulary = data["model"]["vocab"]
    vocabulary.update({f"filler{number}": number for number in range(len(vocabulary), END_OF_TURN)})
    return data


@torch.no_grad()
def let_say(model: MistralForCausalLM, tokenizer: PreTrainedTokenizerFast, answer: str) -> None:
    """Set weights so that a token hangs on the one before alone: the layers add nothing, the head knows the pairs."""
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    asked = tokenizer("<|end_of_turn|>GPT4 Correct Assistant:", add_special_tokens=False).input_ids
    tokens = [asked[-1], *tokenizer(answer, add_special_tokens=False).input_ids, END_OF_TURN]
    assert len(set(tokens)) == len(tokens), f"A token comes twice in {answer!r}, so that it would not end: {tokens}"
    after = model.model.norm(model.model.embed_tokens.weight)
    model.lm_head.weight.zero_()
    for token, following in pairwise(tokens):
        model.lm_head.weight[following] = after[token]


def main(folder: Path, answer: str = "") -> None:
    torch.manual_seed(0)
    tokenizer = make_tokenizer(sys.stdin.read().splitlines())
    config = MistralConfig(
        vocab_size=END_OF_TURN + 2,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=8192,
        sliding_window=None,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = MistralForCausalLM(config)
    if answer:
        let_say(model, tokenizer, answer)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
