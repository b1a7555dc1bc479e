// Public links.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { anyone, owner, s3, stranger } from '../stack.mjs'
import { nobodys, save } from './files.mjs'
import { operation } from './operation.mjs'

/** A file with a public link. */
async function linked() {
  const { _id } = await save()
  const { data: link } = await owner.generatePublicLink({ id: _id })
  const { data } = await owner.listPublicLinksForFile({ id: _id })
  return { file: _id, link, id: data.results[0].id }
}

/** A file that another organisation may edit. */
async function lent() {
  const { _id } = await save({ _acl: { edit: ['org:456'] } })
  return _id
}

operation('generatePublicLink', async (call) => {
  const { _id: id } = await save()
  const { data: link } = await call(201, owner, { id })
  assert.match(link, /\/v1\/files\/public\/links\/[0-9a-f-]{36}\/notes\.txt$/)
  await call(401, anyone, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, stranger, { id })
  await call(403, stranger, { id: await lent() })

  const once = { headers: { 'Idempotency-Key': randomUUID() } }
  const { data: first } = await call(201, owner, { id }, null, once)
  assert.equal((await call(201, owner, { id }, null, once)).data, first)
  await call(422, owner, { id: (await save())._id }, null, once)
  await call(400, owner, { id }, null, { headers: { 'Idempotency-Key': 'a b' } })
})

operation('listPublicLinksForFile', async (call) => {
  const { file: id, link } = await linked()
  const { data } = await call(200, owner, { id })
  assert.deepEqual(data.results.map((result) => result.link), [link])
  await call(200, owner, { id: (await save())._id })
  await call(200, owner, { id, limit: 1 })
  await call(400, owner, { id, limit: 0 })
  await call(401, anyone, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, stranger, { id })
  await call(403, stranger, { id: await lent() })
})

operation('accessPublicLink', async (call) => {
  const { id } = await linked()
  const { headers } = await call(302, anyone, { id, filename: 'notes.txt' })
  assert.equal(headers['cache-control'], 'no-store')
  const { data } = await s3.get(headers.location)
  assert.equal(String(data), 'text')
  await call(302, anyone, { id, filename: 'any name', hash: 'abc123' })
  await call(404, anyone, { id: nobodys(), filename: 'notes.txt' })
})

operation('revokePublicLink', async (call) => {
  const { file, id } = await linked()
  await call(401, anyone, { id })
  await call(404, stranger, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, owner, { id: file })
  await call(204, owner, { id })
  await call(404, owner, { id })
})
