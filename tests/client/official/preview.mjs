// Previews: images in the reply itself, and the JSON of every refusal.
import assert from 'node:assert/strict'
import { anyone, owner, stranger } from '../stack.mjs'
import { nobodys, save, upload } from './files.mjs'
import { operation } from './operation.mjs'

const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="9" height="9"/></svg>'
const bytes = { responseType: 'arraybuffer' }
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** Calls an operation as each client that may see the preview, and as one who has it already. */
async function shown(call, client, ...request) {
  const { data, headers } = await call(200, client, ...request, bytes)
  assert.ok(Buffer.from(data).subarray(0, PNG.length).equals(PNG))
  await call(304, client, ...request, { headers: { 'If-None-Match': headers.etag } })
}

/** What has no preview: it is of no type, or there is no more of it than how a PNG begins. */
const NONE = { 415: Buffer.from([0, 1, 2, 3]), 422: PNG }

operation('previewFile', async (call) => {
  const { _id: id } = await save({}, picture)
  await shown(call, owner, { id, w: 100, h: 50, version: 0 }, null)
  await call(400, owner, { id, w: 0 })
  await call(400, owner, { id, version: 'latest' })
  await call(401, anyone, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, owner, { id, version: 1 })
  await call(404, stranger, { id })
  for (const [status, content] of Object.entries(NONE)) {
    await call(Number(status), owner, { id: (await save({}, content))._id })
  }
})

operation('previewPublicFile', async (call) => {
  const access_control = 'public-read'
  const { _id: id } = await save({ access_control }, picture)
  await shown(call, anyone, { id, w: 100 }, null)
  await shown(call, anyone, { id, org_id: '123' }, null)
  await call(400, anyone, { id, h: 2049 })
  await call(403, anyone, { id: (await save({}, picture))._id })
  await call(404, anyone, { id: nobodys() })
  await call(404, anyone, { id, org_id: '456' })
  for (const [status, content] of Object.entries(NONE)) {
    await call(Number(status), anyone, { id: (await save({ access_control }, content))._id })
  }
})

operation('previewS3File', async (call) => {
  const s3ref = await upload(picture)
  await shown(call, owner, { w: 100 }, s3ref)
  await shown(call, owner, null, (await save({}, picture)).s3ref)
  await call(400, owner, { w: 'wide' }, s3ref)
  await call(400, owner, null, { ...s3ref, bucket: 'another' })
  await call(401, anyone, null, s3ref)
  await call(404, stranger, null, s3ref)
  for (const [status, content] of Object.entries(NONE)) await call(Number(status), owner, null, await upload(content))
})

operation('previewS3FileGet', async (call) => {
  const s3ref = await upload(picture)
  await shown(call, owner, { ...s3ref, w: 100, h: 50 }, null)
  await shown(call, owner, (await save({}, picture)).s3ref, null)
  await call(400, owner, { ...s3ref, h: 0 })
  await call(400, owner, { ...s3ref, key: 'previews/123/x' })
  await call(401, anyone, s3ref)
  await call(404, stranger, s3ref)
  for (const [status, content] of Object.entries(NONE)) await call(Number(status), owner, await upload(content))
})
