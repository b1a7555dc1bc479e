// Stands before the emulator and sends each call to DynamoDB to DynamoDB Local too, AWS's own engine, whose reply the caller
// gets: `node router.mjs PORT EMULATOR_PORT DYNAMODB_LOCAL_PORT`. On SIGTERM it says how many replies differed, and fails
// if any did.
import { createServer, request as open } from 'node:http'
import { isDeepStrictEqual } from 'node:util'

const [port, emulatorPort, dynamodbPort] = process.argv.slice(2).map(Number)
// Calls about items. All else, also a stream's records, is the emulator's alone.
const COMPARED = new Set([
  ...['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan'],
  ...['BatchGetItem', 'BatchWriteItem', 'TransactGetItems', 'TransactWriteItems'],
])
// DynamoDB Local knows no policies: it is not asked for what these refuse.
const DENIED = /AccessDenied|Signature|UnrecognizedClient|Token/
const calls = {}
let differences = 0
// One call after the other, so that both engines see the same order.
let last = Promise.resolve()

const server = createServer((request, response) => {
  request.on('error', () => {})
  const operation = request.headers['x-amz-target']?.match(/^DynamoDB_20120810\.(\w+)$/)?.[1]
  if (!COMPARED.has(operation)) return passOn(request, response)
  read(request).then((body) => {
    last = last.then(() => answer(operation, request.headers, body, response)).catch((error) => fail(response, error))
  })
})

function passOn(request, response) {
  const { connection, expect, ...headers } = request.headers
  const { method, url: path } = request
  const upstream = open({ port: emulatorPort, method, path, headers, agent: false }, (reply) => {
    const { connection, 'keep-alive': _, ...kept } = reply.headers
    response.writeHead(reply.statusCode, kept)
    reply.on('error', (error) => response.destroy(error)).pipe(response)
  })
  // A caller that has gone is no failure.
  upstream.on('error', (error) => response.destroyed || fail(response, error))
  response.on('close', () => upstream.destroy())
  request.pipe(upstream)
}

function fail(response, error) {
  console.error(error)
  if (!response.headersSent) response.writeHead(502)
  response.end()
}

async function answer(operation, headers, body, response) {
  const ours = await send(emulatorPort, headers, body)
  let reply = ours
  if (!DENIED.test(ours.body.__type)) {
    reply = await send(dynamodbPort, headers, body)
    if (type(reply) === 'ResourceNotFoundException' && (await createTables(headers, body))) {
      reply = await send(dynamodbPort, headers, body)
    }
    compare(operation, body, ours, reply)
  }
  response.writeHead(reply.status, reply.headers)
  response.end(reply.bytes)
}

/** Sends a call to an engine, and returns its reply. */
function send(port, { 'x-amz-target': target, host, authorization, ...headers }, body) {
  const kept = Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('x-amz-'))
  const sent = { ...Object.fromEntries(kept), host, authorization, 'x-amz-target': target, 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const call = open({ port, method: 'POST', path: '/', headers: sent, agent: false }, (reply) => {
      const type = reply.headers['content-type'] ?? 'application/x-amz-json-1.0'
      const resolved = (bytes) => ({
        status: reply.statusCode,
        headers: { 'content-type': type, 'content-length': bytes.length },
        bytes,
        body: JSON.parse(bytes),
      })
      read(reply).then(resolved).then(resolve, reject)
    })
    call.on('error', reject).end(body)
  })
}

async function read(stream) {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** The emulator's CloudFormation makes tables without a call that comes by here. */
async function createTables(headers, body) {
  const { TableName, RequestItems = {}, TransactItems = [] } = JSON.parse(body)
  const inTransaction = TransactItems.flatMap(Object.values).map((action) => action.TableName)
  let created = false
  for (const name of new Set([TableName, ...Object.keys(RequestItems), ...inTransaction])) {
    if (name) created = (await createTable(headers, name)) || created
  }
  return created
}

async function createTable(headers, TableName) {
  const call = (port, operation, input) => {
    const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0'
    const target = `DynamoDB_20120810.${operation}`
    const named = { 'content-type': 'application/x-amz-json-1.0', host: headers.host, authorization, 'x-amz-target': target }
    return send(port, named, Buffer.from(JSON.stringify(input)))
  }
  const { Table } = (await call(emulatorPort, 'DescribeTable', { TableName })).body
  if (!Table) return false
  const index = ({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection })
  const { status } = await call(dynamodbPort, 'CreateTable', {
    TableName,
    KeySchema: Table.KeySchema,
    AttributeDefinitions: Table.AttributeDefinitions,
    GlobalSecondaryIndexes: Table.GlobalSecondaryIndexes?.map(index),
    BillingMode: 'PAY_PER_REQUEST',
  })
  return status === 200
}

function compare(operation, body, ours, theirs) {
  calls[operation] = (calls[operation] ?? 0) + 1
  // A scan has no order, so only one that is not cut into pages can be compared.
  const cut = [body, ours.bytes, theirs.bytes].some((text) => /"(ExclusiveStart|LastEvaluated)Key"/.test(text))
  if (operation === 'Scan' && cut && ours.status === theirs.status) return
  if (isDeepStrictEqual(comparable(operation, ours), comparable(operation, theirs))) return
  differences++
  console.log(`${operation} ${body}\n  emulator ${ours.status} ${ours.bytes}\n  DynamoDB ${theirs.status} ${theirs.bytes}\n`)
}

const type = ({ body }) => body.__type?.replace(/^.*#/, '')

/** What both engines must agree on: all but sentences, capacity and the order of what has none. */
function comparable(operation, reply) {
  const { ConsumedCapacity, ItemCollectionMetrics, message, Message, CancellationReasons, ...body } = reply.body
  if (operation === 'Scan') sort(body.Items)
  for (const items of Object.values((operation === 'BatchGetItem' && body.Responses) || {})) sort(items)
  const reasons = CancellationReasons?.map(({ Code, Item }) => ({ Code, Item }))
  return { status: reply.status, ...plain({ ...body, reasons }), __type: type(reply) }
}

const sort = (items) => items?.sort((a, b) => (JSON.stringify(plain(a)) < JSON.stringify(plain(b)) ? -1 : 1))

/** Objects with their keys in order and sets too. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, inner]) => [key, /^[SNB]S$/.test(key) ? inner.toSorted() : plain(inner)])
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

process.on('SIGTERM', () => {
  const total = Object.values(calls).reduce((sum, count) => sum + count, 0)
  for (const [operation, count] of Object.entries(calls)) console.log(`${operation.padEnd(20)} ${count}`)
  console.log(`${total} calls to both engines, ${differences} replies that differ`)
  process.exit(total > 0 && differences === 0 ? 0 : 1)
})
server.requestTimeout = 0
server.keepAliveTimeout = 75_000
server.listen(port, '127.0.0.1')
