"""The trained network in torch; ``t2s_magic/builtin/network.py`` is its twin in numpy.

Nodes are [words | columns | tables | values]. Layers that began as MiniLM's upper ones read them together, then
self-attention with relation biases; a decoder points at keywords or items. Demos (approved pairs of the same database)
enter as flags of items and as further memory of the decoder.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from t2s_magic.builtin.encoder import HIDDEN, WORD_VECTOR
from t2s_magic.builtin.features import FLAGS, RELATIONS, Kind
from training.joint import LINK_PLANES, JointLayers
from training.linear import Linear
from training.tuning import Texts

UPPER = "upper."  # before the names of the encoder's upper layers in a checkpoint


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; saved with its weights."""

    keywords: int
    width: int = 256
    heads: int = 8
    inner: int = 1024
    encoder_layers: int = 4
    decoder_layers: int = 2
    max_tokens: int = 96
    joint_layers: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass
class Batch:
    """Padded tensors of some examples. Targets: keyword ids, then ``keywords`` + the place among the nodes."""

    vectors: Tensor  # (B, N, WORD_VECTOR)
    kinds: Tensor  # (B, N)
    flags: Tensor  # (B, N, FLAGS)
    relations: Tensor  # (B, N, N)
    mask: Tensor  # (B, N)
    previous: Tensor  # (B, T) inputs of the decoder
    targets: Tensor  # (B, T), -100 where padded
    used: Tensor  # (B, N)
    demo_previous: Tensor | None = None  # (B, M)
    demo_tokens: Tensor | None = None  # (B, M)
    demo_likeness: Tensor | None = None  # (B, M)
    demo_mask: Tensor | None = None  # (B, M)
    texts: Texts | None = None  # what ``vectors`` are made of, where the encoder's upper layers are trained


class RowDropout(nn.Module):
    """One mask an example, shared by its positions: ordinary dropout is a fifth of a step on a CPU."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return states
        keep = torch.empty(states.shape[0], 1, states.shape[-1]).bernoulli_(1 - self.share)
        return states * (keep / (1 - self.share))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = Linear(width, width)
        self.key_value = Linear(width, 2 * width)
        self.output = Linear(width, width)

    def forward(self, states: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        query = self._split(self.query(states))
        key, value = (self._split(part) for part in self.key_value(memory).chunk(2, dim=-1))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1]) + bias
        mixed = torch.matmul(scores.softmax(-1), value)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inner = Linear(width, inner)
        self.output = Linear(inner, width)

    def forward(self, states: Tensor) -> Tensor:
        return self.output(functional.gelu(self.inner(states), approximate="tanh"))


class EncoderLayer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(shape.width)
        self.attention = Attention(shape.width, shape.heads)
        self.forward_norm = nn.LayerNorm(shape.width)
        self.feed_forward = FeedForward(shape.width, shape.inner)
        self.dropout = RowDropout(dropout)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        normed = self.attention_norm(states)
        states = states + self.dropout(self.attention(normed, normed, bias))
        return states + self.dropout(self.feed_forward(self.forward_norm(states)))


class DecoderLayer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(shape.width)
        self.self_attention = Attention(shape.width, shape.heads)
        self.cross_norm = nn.LayerNorm(shape.width)
        self.cross_attention = Attention(shape.width, shape.heads)
        self.forward_norm = nn.LayerNorm(shape.width)
        self.feed_forward = FeedForward(shape.width, shape.inner)
        self.dropout = RowDropout(dropout)

    def forward(self, states: Tensor, causal: Tensor, memory: Tensor, memory_bias: Tensor) -> Tensor:
        normed = self.self_norm(states)
        states = states + self.dropout(self.self_attention(normed, normed, causal))
        states = states + self.dropout(self.cross_attention(self.cross_norm(states), memory, memory_bias))
        return states + self.dropout(self.feed_forward(self.forward_norm(states)))


class Network(nn.Module):
    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.joint = JointLayers(shape.joint_layers) if shape.joint_layers else None
        self.joint_input = Linear(HIDDEN, width) if shape.joint_layers else None
        self.input = Linear(WORD_VECTOR, width)
        self.kind = nn.Embedding(len(Kind), width)
        self.flag = nn.Linear(FLAGS, width, bias=False)
        self.input_norm = nn.LayerNorm(width)
        self.relation = nn.Embedding(RELATIONS, shape.encoder_layers * shape.heads)
        self.link_bias = nn.Linear(LINK_PLANES, shape.encoder_layers * shape.heads, bias=False)
        self.encoder = nn.ModuleList(EncoderLayer(shape, dropout) for _ in range(shape.encoder_layers))
        self.encoder_norm = nn.LayerNorm(width)
        self.used = nn.Linear(width, 1)

        self.keyword = nn.Embedding(shape.keywords, width)
        self.pointer_input = Linear(width, width)
        self.place = nn.Embedding(shape.max_tokens, width)
        self.decoder_norm = nn.LayerNorm(width)
        self.demo_input = Linear(2 * width, width)
        self.demo_likeness = nn.Linear(1, width, bias=False)
        self.demo_bias = nn.Linear(1, shape.decoder_layers * shape.heads)
        self.decoder = nn.ModuleList(DecoderLayer(shape, dropout) for _ in range(shape.decoder_layers))
        self.output_norm = nn.LayerNorm(width)
        self.pointer_query = Linear(width, width)
        self.pointer_key = Linear(width, width)
        self.keyword_bias = nn.Parameter(torch.zeros(shape.keywords))
        self.used_weight = nn.Parameter(torch.zeros(1))
        self.dropout = RowDropout(dropout)
        self.apply(_start)
        if self.joint_input is not None:  # at first as if it were not there
            nn.init.zeros_(self.joint_input.weight)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """States of all nodes (B, N, width) and, for each, the logit that the answer uses it."""
        kinds = batch.kinds.long()
        planes = link_planes(batch)
        states = self.input(batch.vectors) + self.kind(kinds) + self.flag(batch.flags)
        if self.joint is not None and self.joint_input is not None:
            together = self.joint(batch.vectors[..., :HIDDEN], batch.relations, planes, batch.mask)
            states = states + self.joint_input(together)
        states = self.dropout(self.input_norm(states))
        for layer, bias in zip(self.encoder, self._biases(batch, planes), strict=True):
            states = layer(states, bias)
        states = self.encoder_norm(states)
        return states, self.used(states).squeeze(-1)

    def decode(self, batch: Batch, states: Tensor, used: Tensor) -> Tensor:
        """Logits (B, T, keywords + N) of each next token."""
        tokens = self._token_table(states)
        inputs = _pick(tokens, batch.previous)
        length = inputs.shape[1]
        hidden = self.decoder_norm(inputs + self.place.weight[:length])
        hidden = self.dropout(hidden)
        causal = torch.full((length, length), -1e9).triu(1)
        memory, biases = self._memory(batch, states, tokens)
        for layer, bias in zip(self.decoder, biases, strict=True):
            hidden = layer(hidden, causal, memory, bias)
        hidden = self.output_norm(hidden)
        to_keywords = hidden @ self.keyword.weight.T + self.keyword_bias
        to_items = self.pointer_query(hidden) @ self.pointer_key(states).transpose(1, 2)
        to_items = to_items / math.sqrt(self.shape.width) + self.used_weight * used[:, None, :]
        is_item = batch.mask & (batch.kinds != Kind.WORD)
        to_items = to_items.masked_fill(~is_item[:, None, :], -1e9)
        return torch.cat([to_keywords, to_items], dim=-1)

    def _token_table(self, states: Tensor) -> Tensor:
        keywords = self.keyword.weight.expand(states.shape[0], -1, -1)
        return torch.cat([keywords, self.pointer_input(states)], dim=1)

    def _memory(self, batch: Batch, states: Tensor, tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
        bias = torch.zeros(batch.mask.shape).masked_fill(~batch.mask, -1e9)[:, None, None, :]
        if batch.demo_tokens is None:
            return states, [bias] * self.shape.decoder_layers
        likeness = batch.demo_likeness[..., None]
        pairs = torch.cat([_pick(tokens, batch.demo_previous), _pick(tokens, batch.demo_tokens)], dim=-1)
        demos = self.demo_input(pairs) + self.demo_likeness(likeness)
        demo_bias = self.demo_bias(likeness).masked_fill(~batch.demo_mask[..., None], -1e9)
        demo_bias = demo_bias.unflatten(-1, (self.shape.decoder_layers, self.shape.heads)).permute(2, 0, 3, 1)
        items = bias.expand(-1, self.shape.heads, -1, -1)
        biases = [torch.cat([items, one[:, :, None, :]], dim=-1) for one in demo_bias]
        return torch.cat([states, demos], dim=1), biases

    def _biases(self, batch: Batch, planes: Tensor) -> list[Tensor]:
        bias = self.relation(batch.relations.int()) + self.link_bias(planes)
        bias = bias.masked_fill(~batch.mask[:, None, :, None], -1e9)
        return [one.permute(0, 3, 1, 2) for one in bias.split(self.shape.heads, dim=-1)]


def link_planes(batch: Batch) -> Tensor:
    """(B, N, N, LINK_PLANES): for word-item pairs the cosines of layers 3 and 6 and how far each is below the best."""
    is_word = (batch.kinds == Kind.WORD) & batch.mask
    is_item = (batch.kinds != Kind.WORD) & batch.mask
    across = is_word[:, :, None] & is_item[:, None, :]
    planes = []
    for part in (batch.vectors[..., :HIDDEN], batch.vectors[..., HIDDEN:]):
        unit = functional.normalize(part, dim=-1)
        cosine = torch.matmul(unit, unit.transpose(1, 2)).masked_fill(~across, -1.0)
        below_item = (cosine - cosine.amax(2, keepdim=True)).masked_fill(~across, 0)
        below_word = (cosine - cosine.amax(1, keepdim=True)).masked_fill(~across, 0)
        cosine = cosine.masked_fill(~across, 0)
        planes += [_both_ways(cosine), _both_ways(below_item), _both_ways(below_word)]
    return torch.stack(planes, dim=-1)


def _both_ways(plane: Tensor) -> Tensor:
    return plane + plane.transpose(1, 2)


TOKENS_A_STEP = 120


def loss_of(network: Network, batch: Batch, used_share: float = 0.3) -> tuple[Tensor, dict[str, float]]:
    """The training loss, and figures for the log: token accuracy and share of whole sequences that are right.

    Batches of few, large examples weigh less: every token counts alike.
    """
    states, used = network.encode(batch)
    logits = network.decode(batch, states, used)
    losses = functional.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=-100, reduction="none"
    )
    is_token = batch.targets != -100
    token_loss = losses.sum() / is_token.sum().clamp(min=TOKENS_A_STEP)
    is_item = batch.mask & (batch.kinds != Kind.WORD)
    used_loss = functional.binary_cross_entropy_with_logits(used[is_item], batch.used[is_item])
    used_loss = used_loss * min(1.0, is_token.sum().item() / TOKENS_A_STEP)
    with torch.no_grad():
        right = (logits.argmax(-1) == batch.targets) | ~is_token
        figures = {
            "loss": losses.sum().item(),
            "tokens": is_token.sum().item(),
            "right_tokens": (right & is_token).sum().item(),
            "whole": right.all(1).sum().item(),
            "examples": len(right),
        }
    return token_loss + used_share * used_loss, figures


def _pick(table: Tensor, ids: Tensor) -> Tensor:
    return torch.gather(table, 1, ids[..., None].expand(-1, -1, table.shape[-1]))


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.05 if module.embedding_dim > 64 else 0.02)
