"""MiniLM's upper layers once more, this time over all nodes of a question together.

The encoder reads question and names apart, so that a schema is read once a connection. Here words, columns, tables and
values see each other, in layers that start from what the encoder learned; ``Network._read_together`` is their twin.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from t2s_magic.builtin.encoder import HEADS, HIDDEN
from t2s_magic.builtin.features import RELATIONS
from training.minilm import BertLayer

LINK_PLANES = 6


class JointLayers(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layer = nn.ModuleList(BertLayer() for _ in range(layers))
        self.relation = nn.Embedding(RELATIONS, layers * HEADS)
        self.link_bias = nn.Linear(LINK_PLANES, layers * HEADS, bias=False)
        self.sink = nn.Parameter(torch.zeros(1, HIDDEN))

    def start_from(self, layers: Iterable[nn.Module], sink: Tensor) -> None:
        """Begin as ``layers`` do, without biases; ``sink`` is what a head looks at when it looks for nothing."""
        for own, theirs in zip(self.layer, layers, strict=True):
            own.load_state_dict(theirs.state_dict())
        with torch.no_grad():
            self.relation.weight.zero_()
            self.link_bias.weight.zero_()
            self.sink.copy_(sink)

    def forward(self, states: Tensor, relations: Tensor, planes: Tensor, mask: Tensor) -> Tensor:
        """``states`` (B, N, 384) of layer 3 as they are after layer 6."""
        bias = self.relation(relations.int()) + self.link_bias(planes)
        bias = bias.masked_fill(~mask[:, None, :, None], -1e9)
        bias = functional.pad(bias.permute(0, 3, 1, 2), (1, 0, 1, 0))
        states = torch.cat([self.sink.expand(len(states), 1, -1), states], dim=1)
        for layer, own in zip(self.layer, bias.split(HEADS, dim=1), strict=True):
            states = layer(states, own)
        return states[:, 1:]
