"""Work that is a container: the choice of an engine, and the Kubernetes engine. Runs in the runner.

It is loaded only for jobs with such work; the Kubernetes client is loaded only in a cluster.
"""
