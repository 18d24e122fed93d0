"""A second node that takes no pods and is always ready, so that the first can be gone.

A process of the cluster, started as a plain script. Where no node at all is ready, Kubernetes blames itself and evicts
nobody: with one node, the loss of a node could not be tested. This one is an entry that is kept fresh.
"""

from __future__ import annotations

import datetime as dt
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

NAME = "witness"
NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
PERIOD = 2.0  # seconds between signs of life, as the kubelet's
NODE = {"metadata": {"name": NAME}, "spec": {"taints": [{"key": NAME, "effect": "NoSchedule"}]}}
READY = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Witness"}]}}


def main(server: str, folder: str) -> None:
    """Give signs of life until the end."""
    context = ssl.create_default_context(cafile=str(Path(folder, "ca.crt")))
    context.load_cert_chain(Path(folder, "admin.crt"), Path(folder, "admin.key"))
    api = Api(server, context)
    while True:
        try:
            appear(api)
            live(api)
        except OSError as error:  # the API server is away
            print(error, flush=True)  # noqa: T201 - the log of this process
            time.sleep(PERIOD / 4)


def appear(api: Api) -> None:
    """Make the entry, unless it was made before an API server was stopped."""
    api.send("POST", NODES, NODE)
    api.send("POST", LEASES, {"metadata": {"name": NAME}})


def live(api: Api) -> None:
    """Renew the lease, which is how a node says that it lives; once missed, it must say that it is ready, too."""
    while True:
        api.send("PATCH", f"{NODES}/{NAME}/status", READY, "strategic-merge-patch+json")
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": NAME, "leaseDurationSeconds": 8, "renewTime": now}
        api.send("PATCH", f"{LEASES}/{NAME}", {"spec": spec}, "merge-patch+json")
        time.sleep(PERIOD)


@dataclass(frozen=True)
class Api:
    """The API server, as its administrator; without its client library, which takes a second to import."""

    server: str
    context: ssl.SSLContext

    def send(self, method: str, path: str, body: object, kind: str = "json") -> None:
        """Send one request; what exists already need not be made."""
        headers = {"Content-Type": f"application/{kind}"}
        request = urllib.request.Request(  # noqa: S310 - the cluster's own address
            self.server + path, json.dumps(body).encode(), headers, method=method
        )
        try:
            urllib.request.urlopen(request, timeout=PERIOD, context=self.context).close()  # noqa: S310 - likewise
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise


if __name__ == "__main__":
    main(*sys.argv[1:])
