"""moto server on a free loopback port, for as long as its standard input stays open.

Prints the port as one line as soon as requests are accepted. Whoever starts it holds the other end of its standard
input, which the kernel closes however that process ends: so the emulator never outlives it, not even a `kill -9`.
"""

import os
import sys
import threading

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


def end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


# Before the imports below, which take seconds: whoever started this may already be gone.
threading.Thread(target=end_with_stdin, daemon=True).start()

import io  # noqa: E402
import logging  # noqa: E402
from urllib.parse import urlencode  # noqa: E402

from botocore.parsers import RpcV2CBORParser, create_parser  # noqa: E402
from botocore.serialize import RpcV2CBORSerializer, create_serializer  # noqa: E402
from botocore.session import get_session  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.ec2.models.instances import InstanceBackend  # noqa: E402
from moto.ec2.models.spot_requests import SpotInstanceRequest, SpotRequestBackend  # noqa: E402
from moto.ec2.models.elastic_block_store import VolumeAttachment  # noqa: E402
from moto.ec2.utils import random_public_ip  # noqa: E402
from moto.ecs.models import Task  # noqa: E402
from moto.moto_api import state_manager  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

# Else each look at an ECS task brings it one state nearer to its end.
state_manager.set_transition("ecs::task", {"progression": "manual", "times": sys.maxsize})


def start_task(self, *args, **kwargs) -> None:
    """Starts an ECS task and, as AWS does, gives it the public address that its network asks for."""
    start_task_without_address(self, *args, **kwargs)
    for attachment in self.attachments:
        if self.network_configuration["awsvpcConfiguration"].get("assignPublicIp") == "ENABLED":
            details = {detail["name"]: detail["value"] for detail in attachment["details"]}
            backend = ec2_backends[self._account_id][self.region_name]
            backend.get_network_interface(details["networkInterfaceId"]).public_ip = random_public_ip()


start_task_without_address = Task.__init__
Task.__init__ = start_task


def run_instances(self, *args, **kwargs):
    """Starts instances, with what their launch template says of metadata and addresses as well."""
    template = kwargs.get("launch_template")
    data = self._get_template_from_args(template).data if template else {}
    if "MetadataOptions" in data:
        kwargs.setdefault("metadata_options", data["MetadataOptions"])
    for interface in data.get("NetworkInterfaces", []):
        kwargs["associate_public_ip"] = str(interface.get("AssociatePublicIpAddress")).lower() == "true"
    return run_instances_with_less(self, *args, **kwargs)


run_instances_with_less = InstanceBackend.run_instances
InstanceBackend.run_instances = run_instances

# A price at which there is no Spot Instance.
TOO_LOW = 0.001


def launch_spot_instance(self):
    """Starts the instance of a Spot request, unless its price is too low."""
    return None if self.price and float(self.price) < TOO_LOW else launch_at_any_price(self)


def request_spot_instance(self, *args, **kwargs) -> None:
    """A Spot request, which is open as long as its price is too low."""
    request_at_any_price(self, *args, **kwargs)
    if self.instance is None:
        self.state, self._status_code = "open", "price-too-low"


def cancel_spot_instance_requests(self, request_ids: list) -> list:
    """Cancels Spot requests, which AWS shows for two days after that."""
    requests = [self.spot_instance_requests[request_id] for request_id in request_ids]
    for request in requests:
        request.state = "cancelled"
    return requests


launch_at_any_price = SpotInstanceRequest.launch_instance
request_at_any_price = SpotInstanceRequest.__init__
SpotInstanceRequest.launch_instance = launch_spot_instance
SpotInstanceRequest.__init__ = request_spot_instance
SpotInstanceRequest.instance_id = property(lambda self: self.instance and self.instance.id)
SpotRequestBackend.cancel_spot_instance_requests = cancel_spot_instance_requests


CLOUDWATCH = get_session().get_service_model("cloudwatch")
CBOR = RpcV2CBORSerializer()


def speaks_cbor(application):
    """CloudWatch in CBOR, which AWS's newer SDKs speak, for an application that knows the query protocol alone."""

    def answer(environ, start_response):
        service, _, name = environ["PATH_INFO"].partition("/operation/")
        if service != "/service/GraniteServiceVersion20100801":
            return application(environ, start_response)
        operation = CLOUDWATCH.operation_model(name)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        given = RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body))) if body else {}
        query = create_serializer("query", include_validation=False).serialize_to_request(given, operation)["body"]
        form = urlencode(query).encode()
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        environ |= {"PATH_INFO": "/", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(form)), "wsgi.input": io.BytesIO(form)}
        environ |= {key: "/" for key in ("REQUEST_URI", "RAW_URI") if key in environ}
        status, headers = "", []

        def keep(given_status, given_headers, _=None):
            nonlocal status, headers
            status, headers = given_status, given_headers

        text = b"".join(application(environ, keep))
        code = int(status.split()[0])
        told = {"status_code": code, "headers": dict(headers), "body": text}
        told = create_parser("query").parse(told, operation.output_shape)
        told.pop("ResponseMetadata", None)
        packed = bytearray()
        if code < 300:
            if operation.output_shape is not None:
                CBOR._serialize_data_item(packed, told, operation.output_shape)
        else:
            error = told["Error"]
            packed += b"\xa2"
            for part in ("__type", error["Code"], "message", error.get("Message", "")):
                CBOR._serialize_type_string(packed, part, None, None)
        start_response(status, [
            ("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), ("Content-Length", str(len(packed))),
        ])
        return [bytes(packed)]

    return answer

def goes_with_its_instance(self) -> bool:
    """Whether a volume is deleted with its instance, which else only the instance tells."""
    mapping = self.instance.block_device_mapping.get(self.device)
    return bool(mapping and mapping.delete_on_termination)


VolumeAttachment.delete_on_termination = property(goes_with_its_instance)

# A line for every request hides the traceback of the one that failed.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = make_server(
    "127.0.0.1",
    0,
    speaks_cbor(DomainDispatcherApplication(create_backend_app)),
    threaded=True,
    request_handler=MotoRequestHandler,
)
os.environ["MOTO_PORT"] = str(server.server_port)
print(server.server_port, flush=True)
sys.stdout = sys.stderr
server.serve_forever()
