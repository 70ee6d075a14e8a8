"""Training questions over generated business databases: what public question sets lack.

``domains.txt`` describes small worlds; ``worlds`` makes databases of them, each named in its own way; ``questions``
asks about them and writes the SQL. Nothing here comes from a question set that anybody measures with.
"""
