// Pages in a real browser: a preview in an `<img>`, which sends no more than the cookie of a session, and an app on another
// origin than the API's, which is on another than the bucket's.
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

/** The API by another name: to a browser that is another host than the bucket's, which is in signed URLs. */
const elsewhere = (url) => url.replace('//localhost:', '//127.0.0.1:')
/** What the official SDK and tracing libraries add to a request. */
const extras = {
  'x-epilot-org-id': '123',
  'x-epilot-user-id': 'someone',
  'x-correlation-id': '7f3b',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}

/** Has a page of the app, on a host of its own, do something with the API and a token. */
async function fromAnotherOrigin(steps, argument) {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`http://app.localhost:${site.address().port}/`)
  assert.notEqual(elsewhere(apiUrl), apiUrl)
  const headers = { ...extras, authorization: `Bearer ${setting('TOKEN')}` }
  return page.evaluate(steps, { api: elsewhere(apiUrl), headers, ...argument })
}

test('an app on another origin uploads with a PUT, saves, and reads what S3 says of the file', async () => {
  const seen = await fromAnotherOrigin(async ({ api, headers }) => {
    const type = 'application/vnd.ms-excel.sheet.macroEnabled.12'
    const post = async (path, body) => {
      const json = { ...headers, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
      return (await fetch(api + path, { method: 'POST', headers: json, body: JSON.stringify(body) })).json()
    }
    const { upload_url, s3ref } = await post('/v2/files/upload', { filename: 'a.xlsm', mime_type: type })
    const put = await fetch(upload_url, { method: 'PUT', headers: { 'content-type': type }, body: 'bytes' })
    const { _id } = await post('/v2/files', { s3ref })
    const { download_url } = await (await fetch(`${api}/v1/files/${_id}/download`, { headers })).json()
    const part = await fetch(download_url, { headers: { range: 'bytes=1-2' } })
    const names = ['accept-ranges', 'content-disposition', 'content-length', 'content-range', 'content-type', 'etag']
    const gone = await fetch(`${api}/v1/files/${_id}`, { method: 'DELETE', headers })
    return {
      hosts: new Set([location.host, new URL(api).host, new URL(upload_url).host]).size,
      etag: put.headers.get('etag'),
      type: part.headers.get('content-type'),
      bytes: await part.text(),
      hidden: names.filter((name) => part.headers.get(name) === null),
      gone: gone.status,
    }
  })
  assert.match(seen.etag, /\w/)
  assert.deepEqual(seen, {
    hosts: 3,
    etag: seen.etag,
    type: 'application/vnd.ms-excel.sheet.macroEnabled.12',
    bytes: 'yt',
    hidden: [],
    gone: 200,
  })
})

test('an app on another origin uploads with a form', async () => {
  const status = await fromAnotherOrigin(async ({ api, headers }) => {
    const body = JSON.stringify({ filename: 'a.txt', mime_type: '' })
    const upload = await fetch(`${api}/v2/files/upload`, { method: 'POST', headers, body })
    const { url, fields } = (await upload.json()).upload_post
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new File(['bytes'], 'a.txt'))
    return (await fetch(url, { method: 'POST', body: form })).status
  })
  assert.ok(status >= 200 && status < 300, `${status}`)
})

test('an app on another origin sees the ETag of a preview and asks with it', async () => {
  const { _id: id } = await save({}, picture)
  const [first, again] = await fromAnotherOrigin(
    async ({ api, headers, id }) => {
      const url = `${api}/v1/files/${id}/preview`
      const preview = await fetch(url, { headers, cache: 'no-store' })
      const etag = preview.headers.get('etag')
      const unchanged = await fetch(url, { headers: { ...headers, 'if-none-match': etag }, cache: 'no-store' })
      return [[preview.status, typeof etag], unchanged.status]
    },
    { id },
  )
  assert.deepEqual([first, again], [[200, 'string'], 304])
})

test('an app on another origin follows a public link to the bytes, with GET and with HEAD', async () => {
  const { _id: id } = await save({}, picture)
  const headers = { authorization: `Bearer ${setting('TOKEN')}` }
  const made = await fetch(`${apiUrl}/v1/files/${id}/public/links`, { method: 'POST', headers })
  const link = elsewhere(await made.json())
  const followed = await fromAnotherOrigin(
    async ({ link }) => {
      const got = await fetch(link)
      const head = await fetch(link, { method: 'HEAD' })
      return [got.status, (await got.text()).length, head.status, Number(head.headers.get('content-length'))]
    },
    { link },
  )
  assert.deepEqual(followed, [200, picture.length, 200, picture.length])
})
