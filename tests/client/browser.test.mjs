// A preview in an `<img>` of a page in a real browser, which sends no more than the cookie of a session.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { save, upload } from './official/files.mjs'
import { apiUrl, setting } from './stack.mjs'

const TEAL = [0, 128, 128]
const picture =
  '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><rect width="100%" height="100%" fill="teal"/></svg>'

let browser
let site

before(async () => {
  const args = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  browser = await chromium.launch({ executablePath: setting('CHROMIUM'), args: [...args, '--disable-quic'] })
  // On another port, which to a browser is the same site and another origin, as the pages of an app would be.
  site = createServer((_, reply) => reply.setHeader('content-type', 'text/html').end('<!doctype html><body>')).listen(0)
})

after(async () => {
  await browser?.close()
  site?.close()
})

/** A page of the app, in a browser of its own. */
async function open() {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`http://localhost:${site.address().port}/`)
  return page
}

/** Has the browser call `getSession` with this token, and so keep its cookie. */
async function startSession(page, token) {
  const other = await page.context().newPage()
  await other.setExtraHTTPHeaders({ authorization: `Bearer ${token}` })
  const reply = await other.goto(`${apiUrl}/v1/files/session`)
  assert.equal(reply.status(), 200)
  await other.close()
}

/** Shows an image, and answers with its size and the colour that a screenshot has in the middle of it. */
async function show(page, src) {
  const size = await page.evaluate(async (src) => {
    const image = document.body.appendChild(Object.assign(new Image(), { src }))
    await new Promise((done) => (image.onload = image.onerror = done))
    return [image.naturalWidth, image.naturalHeight]
  }, src)
  const screenshot = await page.locator('img').last().screenshot()
  const colour = await page.evaluate(async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob())
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
    canvas.drawImage(bitmap, 0, 0)
    return [...canvas.getImageData(bitmap.width / 2, bitmap.height / 2, 1, 1).data.slice(0, 3)]
  }, `data:image/png;base64,${screenshot.toString('base64')}`)
  return { size, colour }
}

const isTeal = ({ colour }) => colour.every((value, channel) => Math.abs(value - TEAL[channel]) <= 3)

test('with the cookie of a session the picture is on the page, and without it is not', async () => {
  const { _id: id } = await save({}, picture)
  const src = `${apiUrl}/v1/files/${id}/preview?w=100`
  const page = await open()
  assert.deepEqual((await show(page, src)).size, [0, 0])
  await startSession(page, setting('TOKEN'))
  const shown = await show(page, src)
  assert.deepEqual(shown.size, [100, 50])
  assert.ok(isTeal(shown), `the colour is ${shown.colour}`)
})

test('an upload is shown before it is saved', async () => {
  const { bucket, key } = await upload(picture)
  const page = await open()
  await startSession(page, setting('TOKEN'))
  const shown = await show(page, `${apiUrl}/v1/files:previewS3?${new URLSearchParams({ bucket, key })}`)
  assert.deepEqual(shown.size, [200, 100])
  assert.ok(isTeal(shown), `the colour is ${shown.colour}`)
})

test("another user's session in the same browser shows nothing of what the first one saw", async () => {
  const { _id: id } = await save({}, picture)
  const src = `${apiUrl}/v1/files/${id}/preview`
  const page = await open()
  await startSession(page, setting('TOKEN'))
  assert.ok(isTeal(await show(page, src)))
  await startSession(page, setting('OTHER_TOKEN'))
  await page.reload()
  assert.deepEqual((await show(page, src)).size, [0, 0])
})

test('a public picture needs no session', async () => {
  const { _id: id } = await save({ access_control: 'public-read' }, picture)
  assert.ok(isTeal(await show(await open(), `${apiUrl}/v1/files/public/${id}/preview`)))
})
