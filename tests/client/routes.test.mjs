// The template, infra/openapi.yaml, functions/ and infra/events/ tell the same story. Needs no stack.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { official, operations, ours } from './contract.mjs'

const root = new URL('../../', import.meta.url)
const read = (path) => readFileSync(new URL(path, root), 'utf8')
const folders = readdirSync(new URL('functions/', root)).filter((name) =>
  existsSync(new URL(`functions/${name}/Cargo.toml`, root)),
)

// CloudFormation's tags (`!Sub`, `!GetAtt`) are unknown to YAML: the plain value under them is enough here.
const template = parseDocument(read('template.yaml'), { logLevel: 'silent', merge: true }).toJS()
const functions = Object.entries(template.Resources)
  .filter(([, resource]) => resource.Type === 'AWS::Serverless::Function')
  .map(([logicalId, { Properties }]) => ({
    logicalId,
    folder: Properties.CodeUri.match(/^build\/([a-z0-9-]+)\/$/)?.[1],
    variables: Object.keys(Properties.Environment?.Variables ?? {}),
    routes: Object.values(Properties.Events ?? {})
      .filter((event) => event.Type === 'HttpApi')
      .map(({ Properties: { Method, Path } }) => `${Method.toUpperCase()} ${Path}`),
  }))

const described = Object.values(operations(ours)).map(({ method, path, operation }) => ({
  route: `${method.toUpperCase()} ${path}`,
  folder: operation['x-function'],
}))

const pairs = (list) => list.map(({ route, folder }) => `${route} → ${folder}`).sort()

test('the template and infra/openapi.yaml send the same routes to the same functions', () => {
  const deployed = functions.flatMap(({ folder, routes }) => routes.map((route) => ({ route, folder })))
  assert.deepEqual(pairs(deployed), pairs(described))
})

test('every folder under functions/ is deployed, from its own build, and nothing else is', () => {
  assert.deepEqual(functions.map(({ folder }) => folder).sort(), folders.toSorted())
})

test('a function, its folder and its cargo package share one name', () => {
  for (const { logicalId, folder } of functions) {
    const words = folder.split('-').map((word) => word[0].toUpperCase() + word.slice(1))
    assert.equal(logicalId, `${words.join('')}Function`)
    assert.match(read(`functions/${folder}/Cargo.toml`), new RegExp(`^name = "${folder}"$`, 'm'))
  }
})

test('every operation that the official client knows has its path and method here', () => {
  const contract = operations(official)
  for (const [id, { method, path, operation }] of Object.entries(operations(ours))) {
    if (operation['x-addition']) continue
    assert.deepEqual({ id, method, path }, { id, method: contract[id]?.method, path: contract[id]?.path })
  }
})

test('an operation that is not in the official document is marked as an addition', () => {
  const contract = operations(official)
  const added = Object.entries(operations(ours)).filter(([, { operation }]) => operation['x-addition'])
  for (const [id] of added) assert.ok(!(id in contract), `${id} is in the official document`)
})

test('only what is meant for people without an account, and the end of a session, work without a token', () => {
  const open = Object.entries(operations(ours)).filter(([, { operation }]) => operation.security?.length === 0)
  const meant = ['accessPublicLink', 'deleteSession', 'headPublicLink', 'previewPublicFile', 'uploadFilePublic']
  assert.deepEqual(open.map(([id]) => id).sort(), meant)
  assert.ok(ours.security.length > 0)
})

test('the cookie is taken for every GET that takes a token, and for nothing else', () => {
  const takesCookie = (operation) => (operation.security ?? ours.security).some((scheme) => 'CookieAuth' in scheme)
  for (const [id, { method, operation }] of Object.entries(operations(ours))) {
    const takesToken = operation.security?.length !== 0
    assert.equal(takesCookie(operation), method === 'get' && takesToken, id)
  }
})

test('every function has a sample event, for one of its own routes', () => {
  for (const { folder, routes } of functions) {
    const event = JSON.parse(read(`infra/events/${folder}.json`))
    if (routes.length === 0) continue // called by a stream
    assert.ok(routes.includes(event.routeKey), `${folder}.json is for ${event.routeKey}`)
    const { method, path } = event.requestContext.http
    const pattern = event.routeKey.replace(/\{(\w+)\}/g, (_, name) => event.pathParameters[name])
    assert.equal(`${method} ${path}`, pattern)
    assert.equal(event.rawPath, path)
  }
})

test('whatever works without a token and costs something has a rate limit of its own', () => {
  const limited = Object.keys(template.Resources.Api.Properties.RouteSettings)
  const open = Object.values(operations(ours)).filter(({ operation }) => operation.security?.length === 0)
  const routes = open.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  assert.deepEqual(limited.toSorted(), routes.filter((route) => route !== 'DELETE /v1/files/session').sort())
})

test('functions that check tokens know how, and no others have the keys in their environment', () => {
  for (const { folder, variables } of functions) {
    const checks = read(`functions/${folder}/src/main.rs`).includes('Auth::from_env')
    assert.deepEqual(['TOKEN_ISSUER', 'TOKEN_JWKS'].map((name) => variables.includes(name)), [checks, checks], folder)
  }
})

test('a browser on another origin may send every header that a specification names, and see every header of a reply', () => {
  const cors = template.Resources.Api.Properties.CorsConfiguration[1]
  const all = [official, ours].flatMap((document) => Object.values(operations(document)).map((described) => [document, described]))
  const resolve = (document, { $ref, ...value }) =>
    $ref ? $ref.slice(2).split('/').reduce((at, part) => at[part], document) : value
  const sent = all.flatMap(([document, { path, operation }]) =>
    [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])]
      .map((parameter) => resolve(document, parameter))
      .filter((parameter) => parameter.in === 'header')
      .map(({ name }) => name.toLowerCase()),
  )
  const sdk = ['authorization', 'content-type', 'x-epilot-org-id', 'x-epilot-user-id', 'x-correlation-id', 'traceparent']
  const missing = (names, list) => [...new Set(names)].filter((name) => !list.includes(name))
  assert.deepEqual(missing([...sent, ...sdk, 'if-none-match', 'idempotency-key'], cors.AllowHeaders), [])
  // A browser keeps the cookie to itself, and a script may always see the others.
  const kept = ['set-cookie', 'cache-control', 'content-type', 'content-length', 'referrer-policy', 'x-content-type-options']
  const replied = all.flatMap(([document, { operation }]) =>
    Object.values(operation.responses).flatMap((reply) => Object.keys(resolve(document, reply).headers ?? {})),
  )
  assert.deepEqual(missing(replied.map((name) => name.toLowerCase()), [...cors.ExposeHeaders, ...kept]), [])
})

test('where two routes fit one path and neither is the more exact, the path has a slug that cannot be', () => {
  const reserved = read('shared/src/relation.rs').match(/RESERVED: \[&str; \d+\] = \[(.*)\]/)[1].match(/\w+/g)
  const parts = described.map(({ route }) => [route, route.split(' ')[0], route.split(' ')[1].split('/').slice(1)])
  const isParameter = (part) => part.startsWith('{')
  for (const [route, method, path] of parts) {
    for (const [other, otherMethod, otherPath] of parts) {
      if (route >= other || method !== otherMethod || path.length !== otherPath.length) continue
      const pairs = path.map((part, place) => [part, otherPath[place]])
      const fits = pairs.every(([one, two]) => one === two || isParameter(one) || isParameter(two))
      const only = (first) => pairs.filter((pair) => isParameter(pair[first]) && !isParameter(pair[1 - first]))
      if (!fits || !only(0).length || !only(1).length) continue
      const slugs = [...only(0), ...only(1)].map((pair) => (isParameter(pair[0]) ? pair : pair.toReversed()))
      const impossible = slugs.some(([name, word]) => ['{slug}', '{schemaSlug}'].includes(name) && reserved.includes(word))
      assert.ok(impossible, `${route} and ${other}`)
    }
  }
})
