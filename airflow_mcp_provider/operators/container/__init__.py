"""Work that is a container: which engine runs it, and Kubernetes as one. Runs in the runner.

Nothing of it is loaded by a job that has no such work, and nothing of Kubernetes on a laptop.
"""
