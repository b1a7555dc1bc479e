// Reading and deleting files.
import assert from 'node:assert/strict'
import { anyone, owner, stranger } from '../stack.mjs'
import { nobodys, save } from './files.mjs'
import { operation } from './operation.mjs'

operation('getFile', async (call) => {
  const { _id: id } = await save({ building: 7 })
  await call(200, owner, { id })
  await call(200, owner, { id, async: true })
  const { data: strict } = await call(200, owner, { id, strict: true })
  assert.deepEqual([strict.building, strict.__additional], [undefined, { building: 7 }])
  const { data: withSource } = await call(200, owner, { id, source_url: true })
  assert.ok(URL.canParse(withSource.source_url))
  await call(400, owner, { id, source_url: 'maybe' })
  await call(401, anyone, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, stranger, { id })
})

operation('deleteFile', async (call) => {
  const [kept, purged] = [await save({ access_control: 'public-read' }), await save()]
  await call(400, owner, { id: kept._id, purge: 'maybe' })
  await call(401, anyone, { id: kept._id })
  await call(404, stranger, { id: kept._id })
  await call(200, owner, { id: kept._id, activity_id: '01F130Q52Q6MWSNS8N2AVXV4JN' })
  await call(404, owner, { id: kept._id })
  await call(200, owner, { id: purged._id, purge: true, strict: true })
  await call(404, owner, { id: nobodys() })
})
