"""Business questions by hand over three databases, to choose between designs; nothing is trained on them."""
