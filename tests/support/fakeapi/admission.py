"""A validating webhook that the API server asks before it takes an Ingress: what a configuration of it would say."""

from __future__ import annotations

import http.client
import json
import ssl
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.support.fakeapi.errors import Object, StatusError
from tests.support.fakeapi.resources import Target

KIND = "Ingress"


@dataclass
class Hook:
    """The webhook at PORT of 127.0.0.1, whose certificate AUTHORITY has signed."""

    name: str
    port: int
    authority: Path

    def admit(self, operation: str, target: Target, new: Object, old: Object | None) -> list[str]:
        """Ask about NEW; its warnings.

        Raises:
            StatusError: it is refused.
        """
        resource = target.resource
        kind = {"group": resource.group, "version": "v1", "kind": resource.kind}
        request = {
            "uid": str(uuid.uuid4()),
            "kind": kind,
            "operation": operation,
            "namespace": target.namespace,
            "name": new["metadata"].get("name", ""),
            "object": new,
            "oldObject": old,
        }
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10)
        connection.request("POST", "/networking/v1/ingresses", json.dumps(review), {"Content-Type": "application/json"})
        response = json.loads(connection.getresponse().read())["response"]
        connection.close()
        if not response["allowed"]:
            status = response["status"]
            message = f'admission webhook "{self.name}" denied the request: {status["message"]}'
            raise StatusError(status["code"], status["reason"], message)
        return list(response.get("warnings", ()))
