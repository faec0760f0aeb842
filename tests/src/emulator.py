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
    DomainDispatcherApplication(create_backend_app),
    threaded=True,
    request_handler=MotoRequestHandler,
)
os.environ["MOTO_PORT"] = str(server.server_port)
print(server.server_port, flush=True)
sys.stdout = sys.stderr
server.serve_forever()
