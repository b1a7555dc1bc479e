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
  const methods = ['get', 'post', 'put', 'patch', 'delete']
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

const pointer = (...parts) =>
  `#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

/** Address of the JSON schema of a reply; a status the document does not know has the schema of its kind. */
function schemaOf(name, document, operationId, status, errorSchema) {
  const found = operations(document)[operationId]
  if (!found) return undefined
  if (status >= 400) return `${name}${pointer('components', 'schemas', errorSchema)}`
  const { method, path, operation } = found
  const key = String(status) in operation.responses ? String(status) : successOf(operation)
  const ref = operation.responses[key].$ref
  const response = ref ? ref.slice(2).split('/').reduce((part, name) => part[name], document) : operation.responses[key]
  if (!response.content) return undefined // a reply without a body
  const content = ['content', 'application/json', 'schema']
  const response = ref ? document.components.responses[ref.split('/').at(-1)] : operation.responses[key]
  if (!response.content) return undefined // a reply without a body
  return `${name}${ref ? pointer(...ref.slice(2).split('/'), ...content) : pointer('paths', path, method, 'responses', key, ...content)}`
}

const successOf = (operation) => Object.keys(operation.responses).find((status) => status < 400)

/** Passes when `reply` has a status that our document names and a body that fits both documents. */
export function conforms(operationId, reply) {
  assert.ok(
    operations(ours)[operationId].operation.responses[reply.status],
    `${operationId} answered ${reply.status}, which infra/openapi.yaml does not name: ${JSON.stringify(reply.data)}`,
  )
  for (const schema of [
    schemaOf('official', official, operationId, reply.status, 'ErrorObject'),
    schemaOf('ours', ours, operationId, reply.status, 'Error'),
  ]) {
    if (!schema) continue // a reply without a body, or our own addition, which the official document does not know
    const valid = ajv.validate({ $ref: schema }, reply.data)
    assert.ok(valid, `${schema}: ${ajv.errorsText()} in ${JSON.stringify(reply.data)}`)
  }
}
