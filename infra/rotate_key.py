"""`make rotate-key`: gives a deployed stack a new key to sign custom download URLs with.

The stack is the one in STACK, else samconfig.toml's. The key that is replaced still verifies the URLs that it signed; the
one before that no longer does. See the README.
"""
import os
import sys
from pathlib import Path

import boto3
import tomlkit
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

LOGICAL_ID = "UrlSigningSecret"


def stack_name():
    config = tomlkit.parse((Path(__file__).parent.parent / "samconfig.toml").read_text())
    return os.environ.get("STACK") or config["default"]["deploy"]["parameters"]["stack_name"]


def rotate(stack):
    # boto3 itself reads AWS_DEFAULT_REGION only, other tools AWS_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    secrets = session.client("secretsmanager")
    resource = session.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=LOGICAL_ID)
    secret = resource["StackResourceDetail"]["PhysicalResourceId"]
    key = secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)["RandomPassword"]
    version = secrets.put_secret_value(SecretId=secret, SecretString=key)["VersionId"]
    print(f"New URLs are signed with version {version} of {secret}, everywhere within 5 minutes.")


try:
    rotate(stack_name())
except NoRegionError:
    sys.exit("The key was not replaced. Say which region the stack is in: AWS_REGION=eu-central-1 make rotate-key")
except (BotoCoreError, ClientError) as error:
    sys.exit(f"The key of the stack {stack_name()} was not replaced: {error}")
