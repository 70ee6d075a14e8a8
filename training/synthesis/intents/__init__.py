"""What can be asked: each intent makes a question with its SQL, or None where the tables do not fit."""
