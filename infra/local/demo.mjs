// Uploads a file, saves it, downloads it again and compares, and gets its preview: node infra/local/demo.mjs path/to/file
// The bytes are streamed both ways, so a file of any size needs little memory and no temporary file.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { basename, extname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

const { API_URL, TOKEN } = process.env;
const path = process.argv[2];
const types = {
  ".csv": "text/csv", ".gif": "image/gif", ".html": "text/html", ".jpg": "image/jpeg", ".json": "application/json",
  ".md": "text/markdown", ".mp4": "video/mp4", ".pdf": "application/pdf", ".png": "image/png", ".txt": "text/plain",
  ".zip": "application/zip",
};

const styled = (code) => (text) => (process.stdout.isTTY ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, red] = [styled(1), styled(2), styled(31)];
/** Tokens, signatures and policies are long and nobody's business. */
const short = (text) =>
  text
    .replace(/(Bearer \S{12})\S+/g, "$1…")
    .replace(/(X-Amz-(?:Security-Token|Signature|Credential)=[^&"]{6})[^&"]+/gi, "$1…")
    .replace(/("(?:policy|x-amz-signature|x-amz-security-token|x-amz-credential)": "[^"]{6})[^"]+/gi, "$1…");
const show = (...lines) => console.log(lines.map((line) => short(line)).join("\n"));

async function api(method, route, body) {
  const headers = { authorization: `Bearer ${TOKEN}`, ...(body && { "content-type": "application/json" }) };
  show("", `${bold(`${method} ${API_URL}${route}`)}`, dim(`authorization: ${headers.authorization}`));
  if (body) show(JSON.stringify(body, null, 2));
  const reply = await fetch(`${API_URL}${route}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await reply.text();
  let json;
  try { json = JSON.parse(text); } catch { throw new Error(`${reply.status}, not JSON: ${text.slice(0, 200)}`); }
  show(dim(`→ ${reply.status}`), JSON.stringify(json, null, 2));
  if (!reply.ok) throw new Error(`${method} ${route} answered ${reply.status}`);
  return json;
}

/** Passes bytes on, counts and hashes them, and draws how far they are. */
function meter(label, total) {
  const hash = createHash("sha256");
  const start = Date.now();
  let done = 0;
  let drawn = 0;
  const draw = () => {
    const part = total ? done / total : 1;
    const bar = "█".repeat(Math.floor(part * 30)).padEnd(30, "░");
    const rate = done / 1e6 / Math.max((Date.now() - start) / 1000, 0.001);
    process.stdout.write(`\r${label} ${bar} ${Math.floor(part * 100)} % of ${(total / 1e6).toFixed(1)} MB, ${rate.toFixed(0)} MB/s `);
  };
  const stream = new Transform({
    transform(chunk, _encoding, next) {
      hash.update(chunk);
      done += chunk.length;
      if (process.stdout.isTTY && Date.now() - drawn > 100) {
        drawn = Date.now();
        draw();
      }
      next(null, chunk);
    },
    flush(next) {
      draw();
      process.stdout.write("\n");
      next();
    },
  });
  return { stream, bytes: () => done, sha256: () => hash.digest("hex") };
}

/** Starts a request; the reply comes once S3 has answered. */
function open(method, url, headers = {}) {
  const out = request(url, { method, headers });
  const reply = new Promise((resolve, reject) => out.on("response", resolve).on("error", reject));
  return { out, reply };
}

async function expectOk(reply, what) {
  if (reply.statusCode < 300) return;
  let text = "";
  for await (const chunk of reply) text += chunk;
  throw new Error(`${what} answered ${reply.statusCode}: ${short(text.slice(0, 500))}`);
}

async function upload(url, size, mimeType) {
  show("", bold(`PUT ${url}`), dim(`content-type: ${mimeType}`));
  const { out, reply } = open("PUT", url, { "content-type": mimeType, "content-length": size });
  const up = meter("up  ", size);
  const [answer] = await Promise.all([reply, pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), up.stream, out)]);
  await expectOk(answer, "S3");
  answer.resume();
  show(dim(`→ ${answer.statusCode}`));
  return up.sha256();
}

async function download(url, size) {
  show("", bold(`GET ${url}`));
  const { out, reply } = open("GET", url);
  out.end();
  const answer = await reply;
  await expectOk(answer, "S3");
  show(dim(`→ ${answer.statusCode}`), dim(`content-disposition: ${answer.headers["content-disposition"]}`));
  const down = meter("down", size);
  await pipeline(answer, down.stream, async (bytes) => { for await (const _ of bytes); });
  return { sha256: down.sha256(), bytes: down.bytes() };
}

/** Asks for a preview and keeps it; that there is none of such a file is an answer too. */
async function preview(id) {
  const url = `${API_URL}/v1/files/${id}/preview?w=400`;
  show("", bold(`GET ${url}`));
  const reply = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
  const bytes = Buffer.from(await reply.arrayBuffer());
  show(dim(`→ ${reply.status}`));
  if (reply.status === 415 || reply.status === 422) return show(bytes.toString());
  if (!reply.ok) throw new Error(`The preview answered ${reply.status}: ${bytes}`);
  const kept = `.local/preview.${reply.headers.get("content-type").split("/")[1]}`;
  await writeFile(kept, bytes);
  show(`The preview is in ${kept}, ${bytes.length} bytes.`);
}

async function main() {
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile()) throw new Error(`There is no file ${path}. Use: make demo FILE=path/to/a/file`);
  const filename = basename(path);
  const mimeType = types[extname(path).toLowerCase()] ?? "application/octet-stream";

  const { upload_url, s3ref } = await api("POST", "/v1/files/upload", {
    filename, mime_type: mimeType, size_bytes: file.size,
  });
  const sent = await upload(upload_url, file.size, mimeType);
  const entity = await api("POST", "/v1/files", { s3ref, filename, access_control: "private" });
  const { download_url } = await api("GET", `/v1/files/${entity._id}/download`);
  const received = await download(download_url, file.size);

  show("", `sent      ${file.size} bytes, SHA-256 ${sent}`, `came back ${received.bytes} bytes, SHA-256 ${received.sha256}`);
  if (received.sha256 !== sent) throw new Error("The bytes that came back are not the bytes that were sent.");
  show(bold("The bytes that came back are the same."));
  await preview(entity._id);
}

main().catch((error) => {
  console.error(`\n${red(error.message)}`);
  process.exitCode = 1;
});
