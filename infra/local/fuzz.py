"""Schemathesis against the running stack: requests made from infra/openapi.yaml, every reply held against it.

Made up ids only ever find nothing, so files and uploads that exist are made first, for half of the requests to name.
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

LOCAL = Path(__file__).parent
ROOT = LOCAL.parent.parent
API, TOKEN = os.environ["API_URL"], {"Authorization": f"Bearer {os.environ['TOKEN']}"}
FILES, UPLOADS = 12, 24


def send(method, url, **request):
    reply = requests.request(method, url, timeout=30, **request)
    reply.raise_for_status()
    return reply


def upload(number):
    place = send("POST", f"{API}/v2/files/upload", headers=TOKEN, json={"filename": f"{number}.txt"}).json()
    send("PUT", place["upload_url"], data=b"text")
    return place["s3ref"]["key"]


def save(number):
    s3ref = {"bucket": os.environ["BUCKET"], "key": upload(number)}
    return send("POST", f"{API}/v2/files", headers=TOKEN, json={"s3ref": s3ref}).json()["_id"]


def link(file):
    return send("POST", f"{API}/v1/files/{file}/public/links", headers=TOKEN).json().split("/")[-2]


def cursor(file):
    return send("GET", f"{API}/v1/files/{file}/public/links?limit=1", headers=TOKEN).json()["next_cursor"]


def write_dictionary(name, values):
    """As schemathesis.toml reads it."""
    (ROOT / ".local" / "schemathesis" / f"{name}.dict").write_text("".join(f'"{value}"\n' for value in values))


with ThreadPoolExecutor(8) as pool:
    files = list(pool.map(save, range(FILES)))
    write_dictionary("files", files)
    write_dictionary("links", pool.map(link, files * 3))
    write_dictionary("cursors", pool.map(cursor, files[:1]))
    write_dictionary("uploads", pool.map(upload, range(UPLOADS)))

schemathesis = Path(sys.executable).with_name("schemathesis")
specification = ROOT / "infra" / "openapi.yaml"
run = [schemathesis, "--config-file", LOCAL / "schemathesis.toml", "run", specification, *sys.argv[1:]]
sys.exit(subprocess.run(run, cwd=ROOT / ".local").returncode)
