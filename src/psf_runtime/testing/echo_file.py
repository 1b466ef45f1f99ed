"""Writes the echo model as a GGUF file. Needs numpy and gguf (extra `demo`)."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from psf_runtime.testing.echo_vocabulary import MARKS, TEMPLATE, tokens
from psf_runtime.testing.echo_weights import (
    CONTEXT_TOKENS,
    FEED_FORWARD,
    HEAD_SIZE,
    REACH,
    ROTATION_BASE,
    WIDTH,
    tensors,
)


def write_model(path: Path) -> None:
    """Compute the weights and write the file; the same versions of numpy and gguf write the same bytes."""
    vocabulary = tokens()
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, len(vocabulary))
    _tokeniser(writer, vocabulary)
    for name, array in tensors(vocabulary).items():
        writer.add_tensor(name, array.astype(np.float16 if array.ndim == 2 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, vocabulary_size: int) -> None:
    writer.add_name("echo-lm")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(2)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(REACH)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD_SIZE)
    writer.add_value_length(HEAD_SIZE)
    writer.add_rope_dimension_count(HEAD_SIZE)
    writer.add_rope_freq_base(ROTATION_BASE)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(vocabulary_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _tokeniser(writer: gguf.GGUFWriter, vocabulary: list[str]) -> None:
    end, pad = vocabulary.index("<|end|>"), vocabulary.index("<|pad|>")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(MARKS))
    writer.add_token_merges(["Ā Ā"])  # must not be empty; this pair makes no token of the vocabulary
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(pad)
    writer.add_bos_token_id(pad)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
