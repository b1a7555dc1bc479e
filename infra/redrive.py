"""`make redrive`: sends PurgeFiles the changes that it could not handle, once their cause is mended.

Lambda has set them aside in the bucket PurgeFailuresBucket, each object with the whole records of a batch. An object is
removed when the function reports no failure for it. What fails again stays for the next time. The stack is the one in
STACK, else samconfig.toml's.
"""
import json
import os
import sys
from pathlib import Path

import boto3
import tomlkit
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Longer than the function's own time, and sent once: a second call beside the first would only be in its way.
PATIENT = Config(read_timeout=330, retries={"total_max_attempts": 1})


def stack_name():
    config = tomlkit.parse((Path(__file__).parent.parent / "samconfig.toml").read_text())
    return os.environ.get("STACK") or config["default"]["deploy"]["parameters"]["stack_name"]


def records_of(body):
    """What the function was called with; Lambda writes it as text within the document."""
    payload = json.loads(body).get("payload")
    return (json.loads(payload) if isinstance(payload, str) else payload)["Records"]


def is_handled(function, record):
    """Sends one record. By itself it is never too large for a call, and no other waits for it."""
    event = json.dumps({"Records": [record]}, ensure_ascii=False).encode()
    reply = lambdas.invoke(FunctionName=function, Payload=event)
    result = json.loads(reply["Payload"].read() or "null")
    return not reply.get("FunctionError") and not (result or {}).get("batchItemFailures")


def send(function, records):
    """How many records were handled, or a ValueError that says why not all were."""
    failures = sum(not is_handled(function, record) for record in records)
    if failures:
        raise ValueError(f"{failures} of {len(records)} records failed again; see the function's log")
    return len(records)


def redrive(bucket, function):
    """Sends every object's records; the number of those that are done and of those that stay."""
    done = left = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for key in (found["Key"] for found in page.get("Contents", [])):
            try:
                count = send(function, records_of(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
                s3.delete_object(Bucket=bucket, Key=key)
                print(f"done   {key}: {count} records")
                done += 1
            except (ValueError, KeyError, TypeError, BotoCoreError, ClientError) as error:
                print(f"stays  {key}: {error}")
                left += 1
    return done, left


try:
    # boto3 itself reads AWS_DEFAULT_REGION only, other tools AWS_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    s3, lambdas = session.client("s3"), session.client("lambda", config=PATIENT)
    resources = session.resource("cloudformation").Stack(stack_name()).Resource
    bucket = resources("PurgeFailuresBucket").physical_resource_id
    done, left = redrive(bucket, resources("PurgeFilesFunction").physical_resource_id)
except (BotoCoreError, ClientError) as error:
    sys.exit(f"Nothing more is sent: {error}")
print(f"{done} done, {left} left in {bucket}")
sys.exit(1 if left else 0)
