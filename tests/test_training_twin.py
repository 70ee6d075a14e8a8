"""The network in torch that is trained and the one in numpy that ships give the same probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from t2s_magic.builtin.features import FLAGS, RELATIONS, Kind
from t2s_magic.builtin.network import Demos, Network
from t2s_magic.builtin.vocabulary import BEGIN, DEMO_VALUE

torch = pytest.importorskip("torch", reason="training's libraries are not installed")

WORDS, COLUMNS, TABLES, VALUES, KEYWORDS = 5, 6, 2, 2, 12
NODES = WORDS + COLUMNS + TABLES + VALUES


@pytest.mark.parametrize("joint_layers", [0, 2])
def test_torch_and_numpy_agree_on_every_next_token(joint_layers: int) -> None:
    from training import model as trained

    chance = np.random.default_rng(3)
    torch.manual_seed(3)
    network = trained.Network(trained.Shape(KEYWORDS, width=32, heads=4, inner=64, joint_layers=joint_layers)).eval()
    if joint_layers:
        torch.nn.init.normal_(network.joint_input.weight)
    vectors = chance.normal(size=(NODES, 768)).astype(np.float32)
    kinds = np.repeat([Kind.WORD, Kind.COLUMN, Kind.TABLE, Kind.VALUE], [WORDS, COLUMNS, TABLES, VALUES]).astype(
        np.int8
    )
    flags = chance.integers(0, 2, size=(NODES, FLAGS)).astype(np.float32)
    relations = chance.integers(0, RELATIONS, size=(NODES, NODES)).astype(np.int8)
    previous = np.array([BEGIN, 4, KEYWORDS + WORDS, 7])
    demos = Demos(np.array([BEGIN, 5]), np.array([5, DEMO_VALUE]), np.array([0.7, 0.7], np.float32))
    one = {"vectors": vectors, "kinds": kinds, "flags": flags, "relations": relations, "previous": previous}
    batch = trained.Batch(
        **{name: torch.from_numpy(array)[None] for name, array in one.items()},
        mask=torch.ones(1, NODES, dtype=torch.bool),
        targets=torch.zeros(1, 4, dtype=torch.long),
        used=torch.zeros(1, NODES),
        demo_previous=torch.from_numpy(demos.previous)[None],
        demo_tokens=torch.from_numpy(demos.tokens)[None],
        demo_likeness=torch.from_numpy(demos.likeness)[None],
        demo_mask=torch.ones(1, 2, dtype=torch.bool),
    )

    with torch.no_grad():
        expected = network.decode(batch, *network.encode(batch))[0].log_softmax(-1).numpy()
    twin = Network({name: value.numpy() for name, value in network.state_dict().items()}, heads=4)
    read, prefixes = twin.read(vectors, kinds, flags, relations, demos), twin.start()

    is_possible = expected[0] > -1e6
    for step, token in enumerate(previous):
        prefixes, found = twin.advance(read, prefixes, [int(token)])
        assert np.allclose(found[0][is_possible], expected[step][is_possible], atol=1e-4)
