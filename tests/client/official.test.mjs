// Every operation of the official document, called through the official client: each reply, success or error, is what
// that document says of it. What the operations do is proven elsewhere; this proves that their clients understand them.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { names, official, operations, ours, statuses } from './contract.mjs'
import { record, table } from './official/operation.mjs'
import './official/upload.mjs'
import './official/save.mjs'
import './official/file.mjs'
import './official/download.mjs'
import './official/session.mjs'
import './official/links.mjs'
import './official/preview.mjs'
import './official/collections.mjs'

/** Successes that have another status here: the older v1 path keeps its 200. */
const OTHER_SUCCESS = { uploadFile: 200 }
/** Refusals that a client can bring about at any time. */
const REFUSALS = [400, 401, 403, 404, 415, 422]
/** Refusals of stacks that are deployed with other parameters than the local one. */
const ELSEWHERE = { uploadFilePublic: [403] }

const contract = Object.keys(operations(official))
const unseen = (operationId, expected) => expected.filter((status) => !record[operationId]?.statuses[status])
/** `{ operationId: what is missing }`, of those that miss something. */
const missing = (ids, of) => Object.fromEntries(ids.map((id) => [id, of(id)]).filter(([, list]) => list.length > 0))

after(() => console.log(`\n${table()}\n`))

test('our specification has every operation of the official document', () => {
  assert.deepEqual(contract.filter((id) => !(id in operations(ours))), [])
})

test('every operation was called', () => {
  assert.deepEqual(Object.keys(record).sort(), contract.toSorted())
})

test('every success that the official document names was seen', () => {
  const successes = (id) => [OTHER_SUCCESS[id] ?? statuses(official, id).filter((status) => status < 400)].flat()
  assert.deepEqual(missing(contract, (id) => unseen(id, successes(id))), {})
})

test('every refusal that our specification names was seen', () => {
  const here = (id) => REFUSALS.filter((status) => !ELSEWHERE[id]?.includes(status))
  const refusals = (id) => (id in operations(ours) ? here(id).filter((status) => names(ours, id, status)) : [])
  assert.deepEqual(missing(contract, (id) => unseen(id, refusals(id))), {})
})
