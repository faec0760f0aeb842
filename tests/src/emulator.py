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
import json  # noqa: E402
import logging  # noqa: E402
from urllib.parse import parse_qs, urlencode  # noqa: E402

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
from moto.core.responses import ActionResult, EmptyResult  # noqa: E402
from moto.core.utils import utcnow  # noqa: E402
from moto.ecs.models import Task  # noqa: E402
from moto.iam.exceptions import DeleteConflictException  # noqa: E402
from moto.iam.models import IAMBackend, ManagedPolicy, User  # noqa: E402
from moto.iam.responses import IamResponse  # noqa: E402
from moto.moto_api import state_manager  # noqa: E402
from moto.ses.exceptions import SesError  # noqa: E402
from moto.sesv2.responses import SESV2Response  # noqa: E402
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


def put_user_permissions_boundary(self) -> EmptyResult:
    user = self.backend.get_user(self._get_param("UserName"))
    user.permissions_boundary_arn = self._get_param("PermissionsBoundary")
    return EmptyResult()


def delete_user_permissions_boundary(self) -> EmptyResult:
    self.backend.get_user(self._get_param("UserName")).permissions_boundary_arn = None
    return EmptyResult()


def create_service_specific_credential(self) -> ActionResult:
    user = self.backend.get_user(self._get_param("UserName"))
    credential = {
        "UserName": user.name,
        "Status": "Active",
        "ServiceUserName": f"{user.name}-at-{self.current_account}",
        "CreateDate": utcnow(),
        "ServiceSpecificCredentialId": f"ACCA{len(user.service_credentials):016}",
        "ServiceName": self._get_param("ServiceName"),
    }
    user.service_credentials = [*user.service_credentials, credential]
    return ActionResult({"ServiceSpecificCredential": credential})


def list_service_specific_credentials(self) -> ActionResult:
    user = self.backend.get_user(self._get_param("UserName"))
    return ActionResult({"ServiceSpecificCredentials": user.service_credentials, "IsTruncated": False})


def delete_service_specific_credential(self) -> EmptyResult:
    user = self.backend.get_user(self._get_param("UserName"))
    unwanted = self._get_param("ServiceSpecificCredentialId")
    user.service_credentials = [
        credential for credential in user.service_credentials if credential["ServiceSpecificCredentialId"] != unwanted
    ]
    return EmptyResult()


for call in [
    put_user_permissions_boundary,
    delete_user_permissions_boundary,
    create_service_specific_credential,
    list_service_specific_credentials,
    delete_service_specific_credential,
]:
    setattr(IamResponse, call.__name__, call)

User.service_credentials = []
User.permissions_boundary_arn = None
User.permissions_boundary = property(
    lambda self: self.permissions_boundary_arn
    and {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": self.permissions_boundary_arn}
)
# What GetAccountAuthorizationDetails leaves out.
ManagedPolicy.policy_name = property(lambda self: self.name)
ManagedPolicy.policy_id = property(lambda self: self.id)
ManagedPolicy.permissions_boundary_usage_count = property(
    lambda self: sum(
        bounded.permissions_boundary_arn == self.arn
        for bounded in [*self.backend.users.values(), *self.backend.roles.values()]
    )
)


def delete_user(self, user_name: str) -> None:
    """Deletes a user, as AWS does only when all is gone that it has."""
    user = self.get_user(user_name)
    left = {
        "login profile": user.password,
        "access keys": user.access_keys,
        "MFA device": user.mfa_devices,
        "SSH public keys": user.ssh_public_keys,
        "service specific credentials": user.service_credentials,
        "signing certificates": user.signing_certificates,
        "users from group": self.get_groups_for_user(user_name),
    }
    refuse_to_delete(left)
    delete_user_anyway(self, user_name)


def delete_group(self, group_name: str) -> None:
    """Deletes a group, as AWS does only when it is empty."""
    group = self.get_group(group_name)
    refuse_to_delete({"users": group.users, "policies": group.policies, "managed policies": group.managed_policies})
    delete_group_anyway(self, group_name)


def delete_policy(self, policy_arn: str) -> None:
    """Deletes a managed policy, as AWS does only when nobody has it and it has one version alone."""
    policy = self.get_policy(policy_arn)
    refuse_to_delete(
        {
            "attachments": policy.attachment_count,
            "boundaries": policy.permissions_boundary_usage_count,
            "versions": policy.versions[1:],
        }
    )
    delete_policy_anyway(self, policy_arn)


def refuse_to_delete(left: dict) -> None:
    for what, there in left.items():
        if there:
            raise DeleteConflictException(f"Cannot delete entity, must remove {what} first.")


delete_user_anyway = IAMBackend.delete_user
delete_group_anyway = IAMBackend.delete_group
delete_policy_anyway = IAMBackend.delete_policy
IAMBackend.delete_user = delete_user
IAMBackend.delete_group = delete_group
IAMBackend.delete_policy = delete_policy

# Mails as they were sent, with all that the emulator itself forgets: the text beside the HTML, the headers.
MAILS = []


class BadHeader(SesError):
    code = "BadRequestException"


def send_email(self) -> str:
    """Sends a mail by SES v2, as AWS does only with headers that are none of the message's own, in printable ASCII."""
    mail = json.loads(self.body)
    for header in mail["Content"].get("Simple", {}).get("Headers", []):
        text = header["Name"] + header["Value"]
        if len(text) > 996 or not text.isascii() or not text.isprintable() or ":" in header["Name"]:
            raise BadHeader(f"Invalid header: {header}")
    answer = send_email_and_forget(self)
    MAILS.append({"Account": self.current_account, "Region": self.region, **json.loads(answer), **mail})
    return answer


send_email_and_forget = SESV2Response.send_email
SESV2Response.send_email = send_email


def shows_mails(application):
    """What an account has sent: `GET /sent-mails?account=111122223333`."""

    def answer(environ, start_response):
        if environ["PATH_INFO"] != "/sent-mails":
            return application(environ, start_response)
        account = parse_qs(environ["QUERY_STRING"])["account"][0]
        text = json.dumps([mail for mail in list(MAILS) if mail["Account"] == account]).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    return answer


# A line for every request hides the traceback of the one that failed.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = make_server(
    "127.0.0.1",
    0,
    shows_mails(speaks_cbor(DomainDispatcherApplication(create_backend_app))),
    threaded=True,
    request_handler=MotoRequestHandler,
)
os.environ["MOTO_PORT"] = str(server.server_port)
print(server.server_port, flush=True)
sys.stdout = sys.stderr
server.serve_forever()
