// Sessions of browsers.
import assert from 'node:assert/strict'
import { anyone, owner } from '../stack.mjs'
import { save } from './files.mjs'
import { operation } from './operation.mjs'

operation('getSession', async (call) => {
  const { headers } = await call(200, owner)
  const [cookie] = headers['set-cookie']
  assert.match(cookie, /^token=[^;]+;.*HttpOnly/)
  const inBrowser = { headers: { cookie: cookie.split(';')[0] } }
  await call(200, anyone, null, null, inBrowser)
  const { status } = await anyone.getFile({ id: (await save())._id }, null, inBrowser)
  assert.equal(status, 200)
  await call(401, anyone)
})

operation('deleteSession', async (call) => {
  const { headers } = await call(200, owner)
  assert.match(headers['set-cookie'][0], /^token=;.*Max-Age=0/)
  await call(200, anyone)
})
