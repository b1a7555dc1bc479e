"""Schemathesis against the running stack: requests made from infra/openapi.yaml, every reply held against it.

Made up ids only ever find nothing, so what they can name is made first: files, uploads, collections, an address to fetch
from. An operation that then never succeeds was not tested, which is a failure too.
"""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

import requests

LOCAL = Path(__file__).parent
ROOT = LOCAL.parent.parent
HOME = ROOT / ".local" / "schemathesis"
API, TOKEN = os.environ["API_URL"], {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}
FILES, UPLOADS, COLLECTIONS = 16, 24, 16
# Previews of these are an image, a page of text, a 422 and a 415.
CONTENTS = {
    "a plan.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><circle r="9"/></svg>',
    "b.txt": b"text",
    "c.png": b"\x89PNG\r\n\x1a\n",
    "d.bin": bytes([0, 1, 2, 3, 255, 254]),
}


class Source(BaseHTTPRequestHandler):
    """What a `source_url` leads to."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"text")

    def log_message(self, *_):
        pass


def send(method, url, **request):
    reply = requests.request(method, url, timeout=30, **request)
    reply.raise_for_status()
    return reply


def upload(number):
    filename, content = list(CONTENTS.items())[number % len(CONTENTS)]
    place = send("POST", f"{API}/v2/files/upload", headers=TOKEN, json={"filename": filename}).json()
    send("PUT", place["upload_url"], data=content)
    return place["s3ref"]


def save(number):
    access = "public-read" if number % 8 < 4 else "private"
    return send("POST", f"{API}/v2/files", headers=TOKEN, json={"s3ref": upload(number), "access_control": access}).json()


def link(file):
    return send("POST", f"{API}/v1/files/{file['_id']}/public/links", headers=TOKEN).json().split("/")[-2]


def cursor(file):
    return send("GET", f"{API}/v1/files/{file['_id']}/public/links?limit=1", headers=TOKEN).json()["next_cursor"]


def collections(schema, number):
    """One of the caller's own and one of the organisation, which go by the same name."""
    for path in [f"{schema}/collections", f"collections/{schema}"]:
        send("POST", f"{API}/v1/{path}", headers=TOKEN, json={"name": f"collection-{number}"})
    return f"collection-{number}"


def write_dictionary(name, values):
    """As schemathesis.toml reads it, which takes `${…}` in a dictionary as it stands."""
    (HOME / f"{name}.dict").write_text("".join(f'"{value}"\n' for value in values))


# The address that parameters.mjs exempts.
source = ThreadingHTTPServer(("127.0.0.1", urlsplit(os.environ["AWS_ENDPOINT_URL"]).port + 1), Source)
Thread(target=source.serve_forever, daemon=True).start()
os.environ["SOURCE_URL"] = f"http://127.0.0.1:{source.server_port}/a%20b.txt"

with ThreadPoolExecutor(8) as pool:
    # The saves that are made up change some of the files, but none of those to preview.
    files, previewed = list(pool.map(save, range(FILES))), list(pool.map(save, range(8)))
    s3refs = list(pool.map(upload, range(UPLOADS)))
    write_dictionary("files", [file["_id"] for file in files])
    write_dictionary("previewed", [file["_id"] for file in previewed])
    write_dictionary("links", pool.map(link, files * 2))
    write_dictionary("cursors", pool.map(cursor, files[:1]))
    write_dictionary("uploads", [s3ref["key"] for s3ref in s3refs])
    write_dictionary("keys", [s3ref["key"] for s3ref in s3refs[:4] + [file["s3ref"] for file in previewed]])
    write_dictionary("buckets", [os.environ["BUCKET"]])
    schema = f"fuzz-{uuid4()}"
    write_dictionary("schemas", [schema])
    write_dictionary("collections", [collections(schema, number) for number in range(COLLECTIONS)])

schemathesis = Path(sys.executable).with_name("schemathesis")
specification, report = ROOT / "infra" / "openapi.yaml", HOME / "report.json"
run = [schemathesis, "--config-file", LOCAL / "schemathesis.toml", "run", specification, "--report-json-path", report]
failed = subprocess.run([*run, *sys.argv[1:]], cwd=ROOT / ".local").returncode
if failed:
    sys.exit(failed)

rates = json.loads(report.read_text())["valid_rates"]
successes = {operation: sum(rate["accepted"] for rate in phases.values()) for operation, phases in rates.items()}
print("\nSuccesses:", *(f"{count:5} {operation}" for operation, count in sorted(successes.items())), sep="\n")
sys.exit(0 in successes.values())
