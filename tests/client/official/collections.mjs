// Collections, and the files in them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { admin, anyone, owner, stranger } from '../stack.mjs'
import { save } from './files.mjs'
import { operation } from './operation.mjs'

/** A schema that has no collections yet. */
const newSchema = () => `schema_${randomUUID()}`
const noSchema = 'no.schema'

/** A new collection of the owner's, as its path parameters. */
async function created() {
  const slug = newSchema()
  const { data } = await owner.createUserSchemaFileCollection({ slug }, { name: 'Contracts' })
  return { slug, collectionSlug: data.slug }
}

operation('createUserSchemaFileCollection', async (call) => {
  const slug = newSchema()
  const { data: parent } = await call(201, owner, { slug }, { name: 'Contracts' })
  assert.match(parent.slug, /^_system_files_collection_[0-9a-f-]{36}_someone:contracts$/)
  const enabled = { enabled_locations: ['overview'], enabled_purposes: [randomUUID()] }
  const all = { name: '2024', parents: [parent.slug], starred: true, ...enabled }
  const { data: child } = await call(201, owner, { slug }, all)
  assert.deepEqual([child.parents, child.starred], [[parent.slug], true])
  await call(400, owner, { slug }, {})
  await call(400, owner, { slug }, { name: 7 })
  await call(400, owner, { slug: noSchema }, { name: 'Contracts' })
  await call(401, anyone, { slug }, { name: 'Contracts' })
})

operation('getUserSchemaFileCollections', async (call) => {
  const { slug, collectionSlug } = await created()
  const { data: own } = await call(200, owner, { slug })
  assert.deepEqual(own.map((collection) => collection.slug), [collectionSlug])
  const { data: others } = await call(200, stranger, { slug })
  assert.deepEqual(others, [])
  await call(400, owner, { slug: noSchema })
  await call(401, anyone, { slug })
})

operation('updateUserSchemaFileCollection', async (call) => {
  const { slug, collectionSlug } = await created()
  const { data } = await call(200, owner, { slug, collectionSlug }, { name: 'Important', starred: true })
  assert.deepEqual([data.slug, data.name, data.starred], [collectionSlug, 'Important', true])
  await call(400, owner, { slug, collectionSlug }, { starred: 'very' })
  await call(401, anyone, { slug, collectionSlug }, { name: 'Important' })
  await call(404, owner, { slug, collectionSlug: 'unknown' }, { name: 'Important' })
  await call(404, stranger, { slug, collectionSlug }, { name: 'Mine' })
})

operation('deleteUserSchemaFileCollection', async (call) => {
  const { slug, collectionSlug } = await created()
  await call(400, owner, { slug: noSchema, collectionSlug })
  await call(401, anyone, { slug, collectionSlug })
  await call(404, stranger, { slug, collectionSlug })
  await call(200, owner, { slug, collectionSlug })
  await call(404, owner, { slug, collectionSlug })
})

operation('getGlobalFileCollections', async (call) => {
  const schemaSlug = newSchema()
  await admin.post(`/v1/collections/${schemaSlug}`, { name: 'Templates' }) // our own addition
  const { data } = await call(200, owner, { schemaSlug })
  assert.deepEqual(data.map(({ slug }) => slug), [`_system_files_collection_schema_${schemaSlug}:templates`])
  const { data: others } = await call(200, stranger, { schemaSlug })
  assert.deepEqual(others, [])
  await call(400, owner, { schemaSlug: noSchema })
  await call(401, anyone, { schemaSlug })
})

operation('getFilesInCollection', async (call) => {
  const { slug, collectionSlug } = await created()
  const id = randomUUID()
  const { _id } = await save({ relations: [{ entity_id: id, _schema: slug, _tags: [collectionSlug] }] })
  const { data } = await call(200, owner, { id, collectionSlug })
  assert.deepEqual(data.map((file) => file._id), [_id])
  const { _id: second } = await save({ relations: [{ entity_id: id, _schema: slug, _tags: [collectionSlug] }] })
  // Pages are our own addition: a header says where the next one is, and the body stays as it is.
  const first = await call(200, owner, { id, collectionSlug, limit: 1 })
  const cursor = new URLSearchParams(first.headers.link.match(/^<\?(.+)>; rel="next"$/)[1]).get('cursor')
  const next = await call(200, owner, { id, collectionSlug, limit: 1, cursor })
  assert.deepEqual([first.data, next.data].flat().map((file) => file._id), [second, _id])
  assert.equal(next.headers.link, undefined)
  await call(400, owner, { id, collectionSlug, limit: 0 })
  await call(200, owner, { id: randomUUID(), collectionSlug })
  await call(401, anyone, { id, collectionSlug })
  await call(404, owner, { id, collectionSlug: 'unknown' })
  await call(404, stranger, { id, collectionSlug })
})
