#!/bin/sh
# A function for reply_limit.rs that replies with as many bytes as its event says.
invocation=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while next=$(curl -sSi "$invocation/next"); do
  id=$(echo "$next" | tr -d '\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
  bytes=$(echo "$next" | tail -n 1)
  head -c "$bytes" /dev/zero | tr '\0' 1 | curl -sS --data-binary @- "$invocation/$id/response"
done
