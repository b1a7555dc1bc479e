#!/usr/bin/env bash
# Prints how to use the running stack.
source "$(dirname "$0")/env.sh"
source "$LOCAL/stack.env"

cat <<TEXT

The API     $API_URL
A token     $TOKEN
Everything  .local/stack.env

Upload, save and download a file, in bash, from this folder:

TEXT
# Three curl lines; `field` takes one value out of a reply.
cat <<'TEXT'
  source .local/stack.env; auth="Authorization: Bearer $TOKEN"; field() { python3 -c 'import json, sys; value = json.loads(sys.argv[2])[sys.argv[1]]; print(value if isinstance(value, str) else json.dumps(value))' "$@"; }

  upload=$(curl -s -H "$auth" --json '{"filename": "Makefile"}' "$API_URL/v1/files/upload") && curl -T Makefile "$(field upload_url "$upload")"
  file=$(curl -s -H "$auth" --json "{\"s3ref\": $(field s3ref "$upload")}" "$API_URL/v1/files") && echo "$file"
  curl "$(field download_url "$(curl -s -H "$auth" "$API_URL/v1/files/$(field _id "$file")/download")")"

TEXT
