"""Sweeps on many hosts, by dask.distributed; loaded only where a cluster is asked for."""
