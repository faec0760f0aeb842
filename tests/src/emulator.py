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

import logging  # noqa: E402

from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.ec2.utils import random_public_ip  # noqa: E402
from moto.core.responses import ActionResult, EmptyResult  # noqa: E402
from moto.core.utils import utcnow  # noqa: E402
from moto.ecs.models import Task  # noqa: E402
from moto.iam.exceptions import DeleteConflictException  # noqa: E402
from moto.iam.models import IAMBackend, ManagedPolicy, User  # noqa: E402
from moto.iam.responses import IamResponse  # noqa: E402
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

# A line for every request hides the traceback of the one that failed.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = make_server(
    "127.0.0.1",
    0,
    DomainDispatcherApplication(create_backend_app),
    threaded=True,
    request_handler=MotoRequestHandler,
)
os.environ["MOTO_PORT"] = str(server.server_port)
print(server.server_port, flush=True)
sys.stdout = sys.stderr
server.serve_forever()
