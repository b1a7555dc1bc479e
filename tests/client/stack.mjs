// The deployed stack, and callers of it that are the official client with another base URL.
import { readFileSync } from 'node:fs'
import axios from 'axios'
import { createClient } from '@epilot/file-client'

const file = new URL('../../.local/stack.env', import.meta.url)

/** `name` from the environment, or else from the shell assignments that `make dev` writes. */
export function setting(name) {
  const value = process.env[name] ?? assignments()[name]
  if (!value) throw new Error(`${name} is not set: run \`make dev\` first`)
  return value
}

function assignments() {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {}
  const lines = text.matchAll(/^(?:export +)?(\w+)=(['"]?)(.*)\2$/gm)
  return Object.fromEntries(Array.from(lines, ([, name, , value]) => [name, value]))
}

export const apiUrl = setting('API_URL').replace(/\/$/, '')

function caller(token) {
  const client = createClient()
  client.defaults.baseURL = apiUrl
  // As it is, axios hands on a body that is no JSON as text, and a text may be what the contract has.
  client.defaults.responseType = 'json'
  client.defaults.transitional = { ...client.defaults.transitional, silentJSONParsing: false }
  if (token) client.defaults.headers.common.Authorization = `Bearer ${token}`
  return client
}

export const owner = caller(setting('TOKEN'))
export const admin = caller(setting('ADMIN_TOKEN'))
export const stranger = caller(setting('OTHER_TOKEN'))
export const anyone = caller()

/** The client's own HTTP library, as a browser would use it: no token, and every status is an answer. */
export const s3 = axios.create({ validateStatus: () => true, responseType: 'arraybuffer' })

await anyone.get('/', { validateStatus: () => true }).catch((error) => {
  throw new Error(`${setting('API_URL')} does not answer (${error.code}): run \`make dev\` first`)
})
