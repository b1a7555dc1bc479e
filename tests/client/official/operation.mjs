// One test for each operation of the official document, and a record of what each was seen to answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conforms } from '../contract.mjs'

/** `{ operationId: { statuses: { status: calls }, tests, passed } }` of the operations that were tested. */
export const record = {}

/**
 * Tests an operation, or a part of it: `getFile`, `saveFile: relations`. `calls` gets a function that calls it once,
 * through the official client, and passes when the reply has the status expected and is what the documents say of it:
 * `call(status, client, parameters, body, config)`.
 */
export function operation(name, calls) {
  const [operationId] = name.split(':')
  const row = (record[operationId] ??= { statuses: {}, tests: 0, passed: 0 })
  row.tests += 1
  test(name, async () => {
    await calls(async (status, client, parameters, body, config) => {
      const reply = await client[operationId](parameters, body, { ...asItIs, ...config })
      row.statuses[reply.status] = (row.statuses[reply.status] ?? 0) + 1
      assert.equal(reply.status, status, JSON.stringify(reply.data))
      conforms(operationId, reply)
      return reply
    })
    row.passed += 1
  })
}

/** Every status is an answer, and so is a redirect. */
const asItIs = { validateStatus: () => true, maxRedirects: 0 }

/** The record, for people. */
export function table() {
  const rows = Object.entries(record).map(([operationId, { statuses, tests, passed }]) => {
    const seen = Object.entries(statuses)
    const calls = seen.reduce((sum, [, count]) => sum + count, 0)
    return [operationId, String(calls), seen.map(([status]) => status).join(' '), passed === tests ? 'yes' : 'NO']
  })
  const all = [['operation', 'calls', 'statuses seen', 'passed'], ...rows]
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)))
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n')
}
