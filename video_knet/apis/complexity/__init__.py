"""Parameters and multiply-adds of what runs online, the tables of them in the docs, and Fig. 2 of the paper."""
