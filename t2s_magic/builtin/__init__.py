"""The built-in model: text-to-SQL on this machine, without a key, a server or a network."""
