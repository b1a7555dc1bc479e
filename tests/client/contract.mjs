// Replies, held against the official document and against ours.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import Ajv from 'ajv'
import formats from 'ajv-formats'
import { parse } from 'yaml'

const require = createRequire(import.meta.url)

/** The whole document that the official client is made from. */
export const official = require('@epilot/file-client/dist/openapi.json')
/** The document of this project. */
export const ours = parse(readFileSync(new URL('../../infra/openapi.yaml', import.meta.url), 'utf8'))

/** `{ operationId: { method, path, operation } }` of a document. */
export function operations(document) {
  const methods = ['get', 'head', 'post', 'put', 'patch', 'delete']
  return Object.fromEntries(
    Object.entries(document.paths).flatMap(([path, item]) =>
      methods
        .filter((method) => item[method])
        .map((method) => [item[method].operationId, { method, path, operation: item[method] }]),
    ),
  )
}

// Not strict: OpenAPI has keywords of its own (`example`, `readOnly`, `x-…`) that say nothing about validity.
const ajv = formats(new Ajv({ strict: false, allErrors: true }))
ajv.addFormat('url', URL.canParse) // ajv's own `url` knows no `localhost`
ajv.addFormat('ulid', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
ajv.addSchema(official, 'official').addSchema(ours, 'ours')

const pointer = (parts) =>
  `#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

const at = (document, parts) => parts.reduce((value, part) => value?.[part], document)

/** Where a document describes the reply of an operation with a status: the parts of a JSON pointer, or nothing. */
function described(document, operationId, status) {
  const { method, path } = operations(document)[operationId]
  const parts = ['paths', path, method, 'responses', String(status)]
  const { $ref } = at(document, parts) ?? {}
  return $ref ? $ref.slice(2).split('/') : at(document, parts) && parts
}

/** Whether an operation is described with a reply of this status. */
export const names = (document, operationId, status) => Boolean(described(document, operationId, status))

/** The statuses that a document names for an operation, as numbers. */
export const statuses = (document, operationId) =>
  Object.keys(operations(document)[operationId].operation.responses).map(Number)

/** Passes when `reply` has a status that our document names and is what both documents say of it. */
export function conforms(operationId, reply) {
  assert.ok(
    names(ours, operationId, reply.status),
    `${operationId} answered ${reply.status}, which infra/openapi.yaml does not name: ${JSON.stringify(reply.data)}`,
  )
  fits('ours', ours, described(ours, operationId, reply.status), reply)
  if (!(operationId in operations(official))) return // our own addition
  const parts = described(official, operationId, reply.status)
  if (parts) fits('official', official, parts, reply)
  else if (reply.status === 304) return // of requests with a condition it says nothing
  else if (reply.status >= 400) isError('official#/components/schemas/ErrorObject', reply)
  else fits('official', official, described(official, operationId, officialSuccess(operationId)), reply)
}

/** The one success that the official document names, where ours has another status for it. */
const officialSuccess = (operationId) => statuses(official, operationId).find((status) => status < 400)

/** Passes when `reply` has the headers, the content type and the body that the document describes at `parts`. */
function fits(name, document, parts, reply) {
  const { headers = {}, content } = at(document, parts)
  for (const [header, { required }] of Object.entries(headers)) {
    const values = reply.headers[header.toLowerCase()]
    if (values === undefined && !required) continue
    for (const value of [values].flat()) {
      valid(`${name}${pointer([...parts, 'headers', header, 'schema'])}`, value)
    }
  }
  if (!content) {
    assert.equal(reply.data || '', '', `${name}${pointer(parts)} has no body`)
    return
  }
  const type = String(reply.headers['content-type']).split(';')[0]
  assert.ok(type in content, `${type} is no content type of ${name}${pointer(parts)}`)
  if (type !== 'application/json') return // its schema says no more than that it is binary
  const schema = `${name}${pointer([...parts, 'content', type, 'schema'])}`
  if (reply.status >= 400) isError(schema, reply)
  else valid(schema, reply.data)
}

/** The schema of an error requires nothing, so what every error has is required here. */
function isError(schema, { status, data }) {
  valid(schema, data)
  assert.equal(data.status, status)
  assert.match(data.error, /./)
}

function valid(schema, value) {
  assert.ok(ajv.validate({ $ref: schema }, value), `${schema}: ${ajv.errorsText()} in ${JSON.stringify(value)}`)
}
