"""After `sam deploy`: supplies what the emulator's CloudFormation leaves out, and prints what the stack's parts are called.

The emulator deploys template.yaml, but passes over the HTTP API's routes and CORS (SAM writes them into an OpenAPI
document, `Body`), the bucket's lifecycle rules, and the table's time to live and point-in-time recovery. This reads
them from the deployed stack and makes the calls that AWS would. Run again, it changes only what is not as it should be.
"""
import re
import sys

import boto3
from botocore.exceptions import ClientError

STACK = sys.argv[1]
NOT_DEPLOYED = 3
METHODS = {"get", "post", "put", "patch", "delete", "head"}
cloudformation, gateway = boto3.client("cloudformation"), boto3.client("apigatewayv2")
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")


def read_stack():
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        sys.exit(NOT_DEPLOYED)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        sys.exit(NOT_DEPLOYED)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    template = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return names, parameters, {name: r.get("Properties", {}) for name, r in template["Resources"].items()}


def set_cors(api, body, parameters):
    # The emulator's SAM sees a parameter's default and as text; the stack has its value, which AWS makes a list.
    origins = [origin.strip() for origin in parameters["AllowedOrigins"].split(",")]
    _, for_any_origin, for_some = body["x-amazon-apigateway-cors"]["Fn::If"]
    cors = (for_any_origin if origins == ["*"] else for_some) | {"allowOrigins": origins}
    gateway.update_api(ApiId=api, CorsConfiguration={name[0].upper() + name[1:]: value for name, value in cors.items()})


def set_routes(api, body, names):
    """Leaves exactly the document's routes, each with an integration of its own."""
    wanted = {}
    for path, operations in body["paths"].items():
        for method in METHODS & operations.keys():
            uri = operations[method]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)[1]
            wanted[f"{method.upper()} {path}"] = names[function]

    integrations = {i["IntegrationId"]: i["IntegrationUri"] for i in gateway.get_integrations(ApiId=api)["Items"]}
    right = set()
    for route in gateway.get_routes(ApiId=api)["Items"]:
        key, integration = route["RouteKey"], route["Target"].removeprefix("integrations/")
        if key not in right and key in wanted and integrations.get(integration) == wanted[key]:
            right.add(key)
            del integrations[integration]
        else:
            gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    for left_over in integrations:
        gateway.delete_integration(ApiId=api, IntegrationId=left_over)
    for key in wanted.keys() - right:
        integration = gateway.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=wanted[key], PayloadFormatVersion="2.0"
        )
        gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integration['IntegrationId']}")


def set_lifecycle(bucket, rules):
    def as_api_names_it(rule):
        named = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
        if "ExpirationInDays" in rule:
            named["Expiration"] = {"Days": rule["ExpirationInDays"]}
        if "AbortIncompleteMultipartUpload" in rule:
            named["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
        return named

    configuration = {"Rules": [as_api_names_it(rule) for rule in rules]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=configuration)


def set_table(table, time_to_live, recovery):
    # Turning on what is on already is an error, here as on AWS.
    if dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=time_to_live)
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)


names, parameters, properties = read_stack()
api, bucket, table = names["Api"], names["Bucket"], names["Table"]
set_cors(api, properties["Api"]["Body"], parameters)
set_routes(api, properties["Api"]["Body"], names)
set_lifecycle(bucket, properties["Bucket"]["LifecycleConfiguration"]["Rules"])
set_table(
    table,
    properties["Table"]["TimeToLiveSpecification"],
    properties["Table"]["PointInTimeRecoverySpecification"],
)

print(f"API_URL={gateway.meta.endpoint_url}/_aws/execute-api/{api}")
print(f"BUCKET={bucket}")
print(f"TABLE={table}")
print(f"URL_SIGNING_SECRET={names['UrlSigningSecret']}")
