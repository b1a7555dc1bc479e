// Saving: uploads, files that are kept elsewhere or fetched from there, versions and relations.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { after, before } from 'node:test'
import { anyone, apiUrl, owner, stranger } from '../stack.mjs'
import { nobodys, save, upload } from './files.mjs'
import { operation } from './operation.mjs'

// The only address of this machine that the local stack fetches from.
const source = { host: '127.0.0.1', port: Number(new URL(apiUrl).port) + 1 }
const source_url = `http://${source.host}:${source.port}/checklist.pdf`
const server = createServer((_, reply) => reply.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF-1.7'))
before(() => new Promise((resolve, reject) => server.on('error', reject).listen(source, resolve)))
after(() => server.close())

const custom_download_url = 'https://files.example/plans?file_id=7'
const relations = [{ entity_id: '77a1e0cc-7b92-4d41-8cce-eefd317ec004', _schema: 'contact', _tags: ['plans'] }]

/** What both generations of the operation take. */
async function saves(call, saved) {
  const attributes = { type: 'document', filename: 'a.pdf', _tags: ['plans'], shared_with_end_customer: true }
  const { data: file } = await call(saved, owner, null, { ...attributes, s3ref: await upload() })
  const { _id } = file
  await call(saved, owner, { activity_id: '01F130Q52Q6MWSNS8N2AVXV4JN', async: true }, { _id, filename: 'b.pdf' })
  await call(saved, owner, null, { file_entity_id: _id, access_control: 'public-read', mime_type: 'application/pdf' })
  await call(saved, owner, null, { ...file, _tags: ['sent', 'back', 'as', 'it', 'came'] })
  const lists = { _tags: ['plans'], _purpose: ['offer'], _manifest: [nobodys()] }
  await call(saved, owner, null, { _id, ...lists })
  await call(saved, owner, null, { _id, _tags: null, _purpose: null, _manifest: null })
  const { data: second } = await call(saved, owner, null, { _id, s3ref: await upload() })
  assert.equal(second.versions.length, 2)

  await call(400, owner, null, {})
  await call(400, owner, null, { _id, type: 'poem' })
  await call(400, owner, null, { _id, _manifest: ['no id'] })
  await call(400, owner, null, { s3ref: { bucket: 'another', key: 'x' } })
  await call(401, anyone, null, { _id })
  await call(404, owner, null, { _id: nobodys(), filename: 'a.pdf' })
  await call(404, stranger, null, { _id, filename: 'a.pdf' })
}

/** Files that have their bytes from elsewhere. */
async function savesFromElsewhere(call, saved) {
  const { data: elsewhere } = await call(saved, owner, null, { custom_download_url, filename: 'plan.pdf' })
  assert.deepEqual([elsewhere.versions, elsewhere.custom_download_url], [[], custom_download_url])
  const { data: fetched } = await call(saved, owner, null, { source_url })
  assert.deepEqual([fetched.filename, fetched.source_url], ['checklist.pdf', source_url])
  const { s3ref } = await save()
  const { data: copy } = await call(saved, owner, null, { s3ref })
  assert.notEqual(copy.s3ref.key, s3ref.key)

  const once = { headers: { 'Idempotency-Key': randomUUID() } }
  const { data: first } = await call(saved, owner, null, { source_url }, once)
  assert.deepEqual((await call(saved, owner, null, { source_url }, once)).data, first)
  await call(422, owner, null, { source_url, filename: 'b.pdf' }, once)

  await call(400, owner, null, { custom_download_url: 'no url' })
  await call(400, owner, null, { source_url: 'http://127.0.0.1:1/' })
}

/** Relations to the entities that a file belongs to. */
async function savesRelations(call, saved) {
  const { data: file } = await call(saved, owner, null, { s3ref: await upload(), relations })
  assert.deepEqual(file.relations, relations)
  await call(400, owner, null, { _id: file._id, relations: [{ _schema: 'contact' }] })
}

/** Files that another organisation may edit, and still not share. */
async function savesOfOthers(call, saved) {
  const { _id } = await save({ _acl: { view: [], edit: ['org:456'], delete: [] } })
  await call(saved, stranger, null, { _id, filename: 'b.pdf' })
  await call(403, stranger, null, { _id, access_control: 'public-read' })
}

for (const [operationId, saved] of [['saveFileV2', 200], ['saveFile', 201]]) {
  operation(operationId, (call) => saves(call, saved))
  operation(`${operationId}: bytes from elsewhere`, (call) => savesFromElsewhere(call, saved))
  operation(`${operationId}: relations`, (call) => savesRelations(call, saved))
  operation(`${operationId}: another organisation's file`, (call) => savesOfOthers(call, saved))
}

operation('saveFileV2: its own parameters', async (call) => {
  const { data: strict } = await call(200, owner, { strict: true }, { s3ref: await upload(), building: 7 })
  assert.deepEqual([strict.building, strict.__additional], [undefined, { building: 7 }])
  await call(200, owner, { delete_temp_file: false, fill_activity: true }, { s3ref: await upload() })
})

operation('saveFileV2: versions only', async (call) => {
  const { _id } = await save({ filename: 'first.txt' })
  const photo = async (filename) => ({ _id, filename, mime_type: 'image/jpeg', s3ref: await upload() })
  const { data: one } = await call(200, owner, { version_only: true }, await photo('a.txt'))
  assert.deepEqual([one.filename, one.versions[0].filename], ['first.txt', 'a.txt'])
  const { data: all } = await call(200, owner, { version_only: true }, [await photo('b.txt'), await photo('c.txt')])
  assert.deepEqual([all.filename, all.versions.length], ['first.txt', 4])

  await call(400, owner, null, [await photo('d.txt')])
  await call(400, owner, { version_only: true }, [])
  await call(401, anyone, { version_only: true }, [await photo('d.txt')])
  await call(404, stranger, { version_only: true }, [await photo('d.txt')])
})
